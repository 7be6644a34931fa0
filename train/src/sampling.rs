//! How a model is sampled, as its files say.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use terminus_nn::Checkpoint;

use crate::{
    Error,
    config::{PredictionType, Solver},
    export::SchedulerSettings,
    networks::ConfigFile,
    sampler::{SamplerOptions, Spacing},
    schedule::{Betas, NoiseSchedule},
    single_file::{V_PREDICTION, ZERO_TERMINAL_SNR},
};

/// What a model's files say of its noise schedule, its prediction and its solver.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingSettings {
    /// Schedule and prediction.
    pub scheduler: SchedulerSettings,
    /// The solver that the model's makers chose.
    pub solver: Solver,
    /// Which timesteps are visited.
    pub spacing: Spacing,
    /// See [`SamplerOptions::ends_clean`].
    pub ends_clean: bool,
    /// What says so.
    pub evidence: Evidence,
    /// What the files ask for and is done otherwise here, a sentence each.
    pub notes: Vec<String>,
}

/// What tells how a model is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Its `scheduler_config.json`, in a folder or in a file's metadata.
    SchedulerConfig,
    /// The tensors `v_pred` and `ztsnr` of a single file.
    Markers,
    /// The `modelspec.prediction_type` of a single file's metadata.
    Metadata,
    /// Nothing: the file is taken for one like SDXL's own, which predicts ε.
    Assumed,
}

impl Evidence {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::SchedulerConfig => "scheduler_config.json says so",
            Self::Markers => "the tensors `v_pred` and `ztsnr` say so",
            Self::Metadata => "`modelspec.prediction_type` says so",
            Self::Assumed => "assumed: the file says nothing",
        }
    }
}

impl SamplingSettings {
    /// Those of a `scheduler_config.json`, or of the one in the folder `path`; a file `scheduler_config.json`.
    ///
    /// # Errors
    /// The file cannot be read, or asks for a schedule that no SDXL model has: all such keys at once.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let path = if path.is_dir() {
            path.join("scheduler_config.json")
        } else {
            path.to_owned()
        };
        Self::take(ConfigFile::read(&path)?)
    }

    /// Those of a single file: its markers, its metadata, or what SDXL's own file is.
    ///
    /// # Errors
    /// A scheduler's configuration in the metadata asks for a schedule that no SDXL model has.
    pub fn of_file(file: &Checkpoint, scheduler: Option<Value>) -> Result<Self, Error> {
        if let Some(scheduler) = scheduler {
            return Self::take(ConfigFile::of(file.origin(), scheduler));
        }
        let has = |marker| file.shape(marker).is_some();
        let word = file.metadata().get("modelspec.prediction_type");
        let (is_v, evidence) = match word.map(String::as_str) {
            _ if has(V_PREDICTION) => (true, Evidence::Markers),
            Some("v" | "v_prediction" | "velocity") => (true, Evidence::Metadata),
            Some("epsilon" | "eps") => (false, Evidence::Metadata),
            _ => (false, Evidence::Assumed),
        };
        let scheduler = SchedulerSettings {
            betas: Betas::default(),
            prediction_type: if is_v {
                PredictionType::VPrediction
            } else {
                PredictionType::Epsilon
            },
            zero_terminal_snr: is_v && has(ZERO_TERMINAL_SNR),
        };
        Ok(Self::usual(scheduler, evidence))
    }

    /// How a model of this schedule is usually sampled.
    pub fn usual(scheduler: SchedulerSettings, evidence: Evidence) -> Self {
        let is_zero = scheduler.zero_terminal_snr;
        Self {
            scheduler,
            solver: if is_zero { Solver::Ddim } else { Solver::Euler },
            spacing: if is_zero {
                Spacing::Trailing
            } else {
                Spacing::Leading { offset: 1 }
            },
            ends_clean: is_zero,
            evidence,
            notes: Vec::new(),
        }
    }

    fn take(mut file: ConfigFile) -> Result<Self, Error> {
        let class: String = file.or("_class_name", "EulerDiscreteScheduler".to_owned());
        let betas = Betas {
            start: file.or("beta_start", Betas::default().start),
            end: file.or("beta_end", Betas::default().end),
            timesteps: file.or("num_train_timesteps", Betas::default().timesteps),
        };
        file.check("num_train_timesteps", betas.timesteps > 0, || {
            "at least 1".into()
        });
        let in_order = betas.start > 0.0 && betas.start <= betas.end && betas.end < 1.0;
        file.check("beta_start", in_order, || {
            "above 0 and at most `beta_end`, which is below 1".into()
        });
        file.fixed("beta_schedule", &"scaled_linear".into(), &"linear".into());
        file.fixed("trained_betas", &Value::Null, &Value::Null);
        let prediction: String = file.or("prediction_type", "epsilon".to_owned());
        let prediction_type = match prediction.as_str() {
            "epsilon" => Some(PredictionType::Epsilon),
            "v_prediction" => Some(PredictionType::VPrediction),
            _ => None,
        };
        file.check("prediction_type", prediction_type.is_some(), || {
            "\"epsilon\" or \"v_prediction\"".into()
        });
        let zero_terminal_snr = file.or("rescale_betas_zero_snr", false);
        let spacing_word: String = file.or("timestep_spacing", default_spacing(&class).to_owned());
        let offset = file.or("steps_offset", 0);
        let has_other_sigmas = [
            "use_karras_sigmas",
            "use_exponential_sigmas",
            "use_beta_sigmas",
        ]
        .into_iter()
        .find(|key| file.or(key, false));
        let set_alpha_to_one = file.or("set_alpha_to_one", true);

        let mut notes = Vec::new();
        let solver = Solver::ALL
            .into_iter()
            .find(|solver| solver.class_name() == class)
            .unwrap_or_else(|| {
                notes.push(format!(
                    "its scheduler `{class}` is unknown: Euler is used instead"
                ));
                Solver::Euler
            });
        let spacing = match spacing_word.as_str() {
            "leading" if !zero_terminal_snr => Spacing::Leading { offset },
            "trailing" => Spacing::Trailing,
            word => {
                notes.push(format!(
                    "its `timestep_spacing` `{word}` is taken as `trailing`"
                ));
                Spacing::Trailing
            }
        };
        if let Some(key) = has_other_sigmas {
            notes.push(format!("its `{key}` is left aside: steps are even in time"));
        }
        file.finish(Self {
            scheduler: SchedulerSettings {
                betas,
                prediction_type: prediction_type.unwrap_or(PredictionType::Epsilon),
                zero_terminal_snr,
            },
            solver,
            spacing,
            ends_clean: set_alpha_to_one,
            evidence: Evidence::SchedulerConfig,
            notes,
        })
    }

    /// The table of the schedule.
    pub fn schedule(&self) -> NoiseSchedule {
        NoiseSchedule::scaled_linear(self.scheduler.betas, self.scheduler.zero_terminal_snr)
    }

    /// A walk of so many steps.
    pub fn options(&self, solver: Solver, steps: usize) -> SamplerOptions {
        SamplerOptions {
            solver,
            steps,
            prediction_type: self.scheduler.prediction_type,
            spacing: self.spacing,
            ends_clean: self.ends_clean,
        }
    }
}

/// diffusers' own default, where a file is silent.
fn default_spacing(class: &str) -> &'static str {
    if class == Solver::Ddim.class_name() {
        "leading"
    } else {
        "linspace"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(json: Value) -> Result<SamplingSettings, Error> {
        SamplingSettings::take(ConfigFile::of(Path::new("scheduler_config.json"), json))
    }

    #[test]
    fn sdxls_own_scheduler_is_understood() {
        let settings = of(json!({
            "_class_name": "EulerDiscreteScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
            "beta_start": 0.00085, "clip_sample": false, "interpolation_type": "linear",
            "num_train_timesteps": 1000, "prediction_type": "epsilon", "sample_max_value": 1.0,
            "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
            "timestep_spacing": "leading", "trained_betas": null, "use_karras_sigmas": false
        }))
        .unwrap();
        assert_eq!(settings.solver, Solver::Euler);
        assert_eq!(settings.spacing, Spacing::Leading { offset: 1 });
        assert_eq!(settings.scheduler.prediction_type, PredictionType::Epsilon);
        assert!(settings.notes.is_empty());
    }

    #[test]
    fn zero_terminal_snr_is_never_sampled_from_below_the_last_timestep() {
        let settings = of(json!({
            "_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear", "steps_offset": 1,
            "prediction_type": "v_prediction", "rescale_betas_zero_snr": true,
            "timestep_spacing": "leading",
        }))
        .unwrap();
        assert_eq!(settings.spacing, Spacing::Trailing);
        assert_eq!(settings.notes.len(), 1);
    }

    #[test]
    fn another_schedule_is_refused_with_every_key() {
        let error = of(json!({"beta_schedule": "squaredcos_cap_v2", "prediction_type": "sample"}))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`beta_schedule`") && error.contains("`prediction_type`"),
            "{error}"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let scheduler = SchedulerSettings {
            betas: Betas::default(),
            prediction_type: PredictionType::VPrediction,
            zero_terminal_snr: true,
        };
        let settings = of(scheduler.to_json()).unwrap();
        assert_eq!(
            settings,
            SamplingSettings::usual(scheduler, Evidence::SchedulerConfig)
        );
    }
}
