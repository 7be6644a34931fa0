//! Comparing tensors with what the reference computed.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use tch::{Kind, Tensor};
use terminus_nn::{Checkpoint, Weights};

/// The folder of fixtures that `tests/golden/make_<network>.py` filled.
pub fn folder(network: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(network)
}

/// The tensors `<case>.<name>` of a file of cases.
pub struct Case {
    checkpoint: Checkpoint,
    case: &'static str,
}

impl Case {
    pub fn open(network: &str, case: &'static str) -> Self {
        let checkpoint = Checkpoint::open(&folder(network).join("cases.safetensors")).unwrap();
        Self { checkpoint, case }
    }

    pub fn tensor(&self, name: &str) -> Tensor {
        let name = format!("{}.{name}", self.case);
        self.checkpoint
            .tensor(&name)
            .unwrap()
            .unwrap_or_else(|| panic!("no `{name}`"))
    }

    /// Panics unless max|a − b| ≤ `tolerance`·max|b|; gives the ratio.
    pub fn assert_close(&self, name: &str, ours: &Tensor, tolerance: f64) -> f64 {
        let reference = self.tensor(name);
        assert_eq!(ours.size(), reference.size(), "shape of `{name}`");
        let difference = (ours.to_kind(Kind::Double) - &reference).abs().max();
        let ratio = difference.double_value(&[]) / reference.abs().max().double_value(&[]);
        assert!(
            ratio <= tolerance,
            "`{name}` of case `{}`: max|a-b| = {ratio:.2e} max|b|, allowed {tolerance:.0e}",
            self.case
        );
        ratio
    }
}

/// Panics unless names and shapes are those in the reference's list, and the number of parameters is right.
pub fn assert_names_and_shapes(network: &str, weights: &Weights, parameters: u64) {
    let file = fs_err::File::open(folder(network).join("sdxl_names.txt.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    let reference: BTreeMap<&str, &str> = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let ours: BTreeMap<&str, String> = weights
        .iter()
        .map(|(name, tensor)| (name, format!("{:?}", tensor.size())))
        .collect();
    let ours: BTreeMap<&str, &str> = ours
        .iter()
        .map(|(&name, shape)| (name, shape.as_str()))
        .collect();
    let differ: Vec<_> = reference
        .iter()
        .filter(|pair| ours.get(pair.0) != Some(pair.1))
        .chain(ours.iter().filter(|pair| !reference.contains_key(pair.0)))
        .collect();
    assert!(
        differ.is_empty(),
        "{} differ: {:?}",
        differ.len(),
        &differ[..differ.len().min(9)]
    );
    assert_eq!(weights.parameter_count(), parameters);
}
