//! Where a network's parameters come from while it is being built.

use std::{cell::RefCell, collections::BTreeMap, fmt::Display, ops::Div};

use tch::{Device, Kind, Tensor};

use crate::{
    checkpoint::Checkpoint,
    error::{Error, Result},
    init::Init,
    weights::Weights,
};

/// Gives a network its parameters, and keeps the account of what was asked for.
#[must_use = "a builder does nothing before `build`"]
pub struct Builder<'a> {
    source: Source<'a>,
    kind: Kind,
    device: Device,
    is_held: Option<Box<ByName<'a>>>,
    ignored: Vec<String>,
    account: RefCell<Account>,
}

#[derive(Debug)]
enum Source<'a> {
    Random { seed: u64 },
    Checkpoint(&'a Checkpoint),
    Shapes,
}

/// Says something of a parameter by its name.
type ByName<'a> = dyn Fn(&str) -> bool + 'a;

/// What was given out.
#[derive(Debug, Default)]
struct Account {
    given: BTreeMap<String, Tensor>,
    /// The first error but for names and shapes, which are compared at the end.
    failure: Option<Error>,
}

impl std::fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("source", &self.source)
            .field("kind", &self.kind)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl<'a> Builder<'a> {
    /// Fresh parameters, drawn from `seed` and each one's name as its layer's [`Init`] says.
    pub fn random(seed: u64) -> Self {
        Self::new(Source::Random { seed })
    }

    /// The parameters of a checkpoint, which must hold just those that the network has.
    pub fn from_checkpoint(checkpoint: &'a Checkpoint) -> Self {
        Self::new(Source::Checkpoint(checkpoint))
    }

    /// Names and shapes alone: tensors that take no memory and must not be computed with.
    pub fn shapes() -> Self {
        Self::new(Source::Shapes)
    }

    fn new(source: Source<'a>) -> Self {
        Self {
            source,
            kind: Kind::Float,
            device: Device::Cpu,
            is_held: None,
            ignored: Vec::new(),
            account: RefCell::default(),
        }
    }

    /// Holds the parameters in this kind instead of f32.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Holds the parameters on this device instead of the CPU.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Leaves the parameters with these names in the host's memory: a [`Linear`](crate::Linear) takes its weights to its input
    /// each time.
    pub fn holding(mut self, is_held: impl Fn(&str) -> bool + 'a) -> Self {
        self.is_held = Some(Box::new(is_held));
        self
    }

    /// Lets the checkpoint hold a tensor of this name that the network has not, such as a buffer of older versions.
    pub fn ignoring(mut self, name: &str) -> Self {
        self.ignored.push(name.to_owned());
        self
    }

    /// The network that `new` makes, and its weights.
    ///
    /// # Errors
    /// A checkpoint that lacks a parameter, has one too many or one of another shape: all of them, by name, in one
    /// error. No memory for a tensor.
    pub fn build<N>(self, new: impl FnOnce(&Path) -> N) -> Result<(N, Weights)> {
        let network = new(&Path {
            builder: &self,
            prefix: String::new(),
        });
        let Account { given, failure } = self.account.into_inner();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let weights = Weights::new(given);
        if let Source::Checkpoint(checkpoint) = self.source {
            weights.check_against(checkpoint, &self.ignored)?;
        }
        Ok((network, weights))
    }

    /// The tensor of this name, or one of its shape that stands in for it until the faults are gathered.
    fn give(&self, name: String, shape: &[i64], init: Init) -> Tensor {
        let made = self.make(&name, shape, init);
        let mut account = self.account.borrow_mut();
        let tensor = match made {
            Ok(Some(tensor)) => tensor,
            Ok(None) => stand_in(shape),
            Err(failure) => {
                account.failure.get_or_insert(failure);
                stand_in(shape)
            }
        };
        if account.given.contains_key(&name) {
            account
                .failure
                .get_or_insert(Error::Duplicate { name: name.clone() });
        }
        account.given.insert(name, tensor.shallow_clone());
        tensor
    }

    /// The tensor, if the source has one of this name and shape.
    fn make(&self, name: &str, shape: &[i64], init: Init) -> Result<Option<Tensor>> {
        let is_held = self.is_held.as_ref().is_some_and(|is_held| is_held(name));
        let device = if is_held { Device::Cpu } else { self.device };
        let tensor = match self.source {
            Source::Random { seed } => {
                let count: i64 = shape.iter().product();
                let values = init.fill(seed, name, count as usize);
                Some(Tensor::f_from_slice(&values)?.f_reshape(shape)?)
            }
            Source::Checkpoint(checkpoint) if checkpoint.shape(name) == Some(shape) => {
                return checkpoint.tensor_on(name, device, self.kind);
            }
            Source::Shapes | Source::Checkpoint(_) => None,
        };
        let place = |tensor: Tensor| -> Result<Tensor> {
            Ok(tensor.f_to_device(device)?.f_to_kind(self.kind)?)
        };
        tensor.map(place).transpose()
    }
}

/// A tensor of any shape on one number's memory.
fn stand_in(shape: &[i64]) -> Tensor {
    Tensor::zeros([1], (Kind::Float, Device::Cpu)).expand(shape, false)
}

/// A place in the tree of parameter names: `root / "down_blocks" / 0 / "resnets" / 1`.
#[derive(Clone, Debug)]
pub struct Path<'b> {
    builder: &'b Builder<'b>,
    prefix: String,
}

impl Path<'_> {
    /// The parameter `name` at this place. Faults are gathered for [`Builder::build`], so that all come at once.
    pub fn parameter(&self, name: &str, shape: &[i64], init: Init) -> Tensor {
        self.builder.give(self.join(name), shape, init)
    }

    /// The place's name, without a dot at the end.
    pub fn name(&self) -> &str {
        &self.prefix
    }

    fn join(&self, name: impl Display) -> String {
        if self.prefix.is_empty() {
            name.to_string()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }
}

impl<'b, N: Display> Div<N> for &Path<'b> {
    type Output = Path<'b>;

    fn div(self, name: N) -> Path<'b> {
        Path {
            builder: self.builder,
            prefix: self.join(name),
        }
    }
}

impl<'b, N: Display> Div<N> for Path<'b> {
    type Output = Path<'b>;

    fn div(self, name: N) -> Path<'b> {
        &self / name
    }
}
