//! From an address and the settings of stores to a connection.

use std::{path::PathBuf, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, path::Path,
};

use super::{Place, Store};
use crate::Error;

/// The variables that stores are set up by begin with one of these.
const PREFIXES: [&str; 4] = ["AWS_", "GOOGLE_", "AZURE_", "S3_"];
/// Settings that may be shown: whose names say that no key is in them.
const SHOWABLE: [&str; 6] = [
    "REGION",
    "ENDPOINT",
    "ALLOW_HTTP",
    "ACCOUNT_NAME",
    "PROFILE",
    "BUCKET",
];

/// Settings and keys of object stores, named as their environment variables are. They are never shown.
#[derive(Clone, Default)]
pub struct StoreSettings(Vec<(String, String)>);

impl StoreSettings {
    /// Those of `variables` that belong to a store.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let of_stores = |(name, value): &(String, String)| {
            PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !value.is_empty()
        };
        Self(variables.into_iter().filter(of_stores).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// `text` without any key.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            let is_secret = !SHOWABLE.iter().any(|word| name.contains(word));
            if is_secret && value.len() >= 4 {
                text = text.replace(value, "…");
            }
        }
        // A signed address carries its signature along.
        for word in ["sig=", "Signature="] {
            let parts = text.split(word).enumerate().map(|(number, part)| {
                if number == 0 {
                    return part.to_owned();
                }
                let end = part.find(|c: char| "& \"')`\n".contains(c));
                format!("{word}…{}", &part[end.unwrap_or(part.len())..])
            });
            text = parts.collect();
        }
        text
    }
}

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoreSettings({} settings)", self.0.len())
    }
}

/// Whether a target is an address, not a folder.
pub fn is_address(target: &std::path::Path) -> bool {
    target.to_string_lossy().contains("://")
}

impl Store {
    /// The place at `target`. Nothing is asked yet.
    ///
    /// # Errors
    /// The address cannot be used, or a setting is no good.
    pub(in crate::export) fn at_address(
        target: &std::path::Path,
        settings: &StoreSettings,
    ) -> Result<Self, Error> {
        let address = target.to_string_lossy().into_owned();
        let refuse = |why: String| Error::StoreAddress {
            target: PathBuf::from(settings.hide(&address)),
            why,
        };
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(refuse("it names no bucket".to_owned()));
        }
        if bucket.contains('@') {
            return Err(Error::StoreAddress {
                target: PathBuf::from(format!("{scheme}://…")),
                why: "keys do not belong into an address: they come from the environment"
                    .to_owned(),
            });
        }
        let prefix =
            Path::parse(prefix.trim_end_matches('/')).map_err(|error| refuse(error.to_string()))?;
        // The client of the store asks for the process's own provider; a second installation is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = format!("{scheme}://{bucket}");
        let store = match scheme {
            "s3" | "s3a" => s3(&root, settings),
            "gs" => gs(&root, settings),
            "az" | "azure" => az(&root, settings),
            _ => {
                return Err(refuse(format!("`{scheme}` is not written to")));
            }
        };
        let store = store.map_err(|error| refuse(settings.hide(&error.to_string())))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let place = Place {
            store,
            prefix,
            address: settings.hide(&address),
            settings: settings.clone(),
        };
        Ok(Self { place, runtime })
    }
}

impl Place {
    /// What went wrong while `doing`, without keys, and what may help.
    pub(super) fn fault(&self, doing: &str, error: &object_store::Error) -> Error {
        let mut why = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(deeper) = source {
            let text = deeper.to_string();
            if !why.contains(&text) {
                why = format!("{why}: {text}");
            }
            source = deeper.source();
        }
        let lost_keys = [
            "Unauthenticated",
            "credential",
            "169.254.169.254",
            "metadata.google",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "401 Unauthorized",
            "AccessDenied",
            "403 Forbidden",
        ];
        let hint = if why.contains("NoSuchBucket") || why.contains("ContainerNotFound") {
            "make the bucket first"
        } else if matches!(
            error,
            object_store::Error::Unauthenticated { .. }
                | object_store::Error::PermissionDenied { .. }
        ) || lost_keys.iter().any(|word| why.contains(word))
        {
            "keys come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (AWS_ENDPOINT_URL for \
             another server), GOOGLE_SERVICE_ACCOUNT, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
        } else {
            "run the same command again: what has been sent is not sent again"
        };
        Error::Store {
            address: self.address.clone(),
            doing: doing.to_owned(),
            why: self.settings.hide(&why),
            hint,
        }
    }
}

type Opened = object_store::Result<Arc<dyn ObjectStore>>;

fn s3(root: &str, settings: &StoreSettings) -> Opened {
    // One request an object: not every server that speaks S3 knows the other way.
    let mut builder = AmazonS3Builder::new()
        .with_url(root)
        .with_retry(retry())
        .with_disable_bulk_delete(true);
    for (name, value) in &settings.0 {
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .iter()
        .find_map(|name| settings.get(name));
    let is_plain = endpoint.is_some_and(|url| url.starts_with("http://"));
    let allowed = settings
        .get("AWS_ALLOW_HTTP")
        .is_some_and(|value| value == "true");
    let options = client().with_allow_http(is_plain || allowed);
    Ok(Arc::new(builder.with_client_options(options).build()?))
}

fn gs(root: &str, settings: &StoreSettings) -> Opened {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_url(root)
        .with_retry(retry());
    for (name, value) in &settings.0 {
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    Ok(Arc::new(builder.with_client_options(client()).build()?))
}

fn az(root: &str, settings: &StoreSettings) -> Opened {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_url(root)
        .with_retry(retry());
    for (name, value) in &settings.0 {
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    let is_plain = settings
        .get("AZURE_STORAGE_ENDPOINT")
        .is_some_and(|url| url.starts_with("http://"));
    let options = client().with_allow_http(is_plain);
    Ok(Arc::new(builder.with_client_options(options).build()?))
}

fn client() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_mins(5))
}

/// A busy server is asked again for a minute, a dead one is not waited for longer.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 8,
        retry_timeout: Duration::from_mins(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> StoreSettings {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        StoreSettings::new(pairs)
    }

    #[test]
    fn keys_are_never_shown() {
        let settings = settings(&[
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
            ("AWS_REGION", "eu-west-1"),
            ("PATH", "/usr/bin"),
        ]);
        let text =
            settings.hide("eu-west-1 AKIDEXAMPLE wJalrXUtnFEMI /usr/bin?sig=abc%3D&x=1 sig=…");
        assert_eq!(text, "eu-west-1 … … /usr/bin?sig=…&x=1 sig=…");
        assert_eq!(format!("{settings:?}"), "StoreSettings(3 settings)");
    }

    #[test]
    fn an_address_that_cannot_be_used_says_why() {
        let why = |address: &str| {
            let store = Store::at_address(std::path::Path::new(address), &StoreSettings::default());
            store.map(|_| ()).unwrap_err().to_string()
        };
        assert!(why("s3://").contains("it names no bucket"));
        assert!(why("ftp://host/a").contains("`ftp` is not written to"));
        let told = why("s3://key:secret@bucket/a");
        assert!(
            told.contains("do not belong") && !told.contains("secret"),
            "{told}"
        );
    }
}
