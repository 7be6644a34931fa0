//! From a captioner's settings to whoever answers its questions.

use crate::{
    Error, captioner::Captioner, config::CaptionerConfig, endpoint::Endpoint, picture::Pictures,
    speaker::Speaker,
};

/// Opens the model or the endpoint for `pictures_waiting` pictures.
///
/// # Errors
/// The model's folder or the endpoint cannot be used; a model is asked for in a build without libtorch.
pub(crate) fn open(
    captioner: &Captioner<'_>,
    pictures: Pictures,
    pictures_waiting: usize,
) -> Result<Box<dyn Speaker>, Error> {
    let name = captioner.plan.name.as_str();
    match &captioner.plan.config {
        CaptionerConfig::Http(config) => Ok(Box::new(Endpoint::open(
            name,
            config,
            captioner.plan.key.as_ref(),
            pictures,
        )?)),
        #[cfg(feature = "torch")]
        CaptionerConfig::Vlm(config) => {
            Ok(Box::new(crate::local::LocalModel::open(config, pictures)?))
        }
        #[cfg(feature = "torch")]
        CaptionerConfig::Tagger(config) => {
            Ok(Box::new(crate::local::LocalTagger::open(config, pictures)?))
        }
        _ => Err(Error::WithoutTorch {
            name: name.to_owned(),
            pictures: pictures_waiting,
        }),
    }
}
