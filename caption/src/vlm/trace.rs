//! What passes between the layers of a model, for whoever wants to look.

use tch::Tensor;

/// Whoever looks.
type Each<'a> = &'a mut dyn FnMut(&str, &Tensor);

/// Sees tensors by name while a model computes.
#[derive(Default)]
pub struct Trace<'a> {
    each: Option<Each<'a>>,
}

impl<'a> Trace<'a> {
    /// Gives each tensor to `each`.
    pub fn new(each: &'a mut dyn FnMut(&str, &Tensor)) -> Self {
        Self { each: Some(each) }
    }

    /// Sees nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether anybody looks.
    pub(crate) fn is_on(&self) -> bool {
        self.each.is_some()
    }

    pub(crate) fn see(&mut self, name: impl FnOnce() -> String, tensor: &Tensor) {
        if let Some(each) = &mut self.each {
            each(&name(), tensor);
        }
    }
}
