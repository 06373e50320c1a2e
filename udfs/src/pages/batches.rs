//! Compressors that are kept between batches.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion_common::Result;
use ogive_codecs::pages::{CompressorBuilder, Dictionary, PageBatch};

use super::codec_error;

/// Settings that are kept, those used last.
const KEPT: usize = 8;

/// The compressors of a function. Two of them are equal: what is kept changes no answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Batches {
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    settings: CompressorBuilder,
    dictionary: Option<Dictionary>,
    batch: Arc<PageBatch>,
}

impl Batches {
    /// The compressors for some settings and a dictionary, as the bytes that it was saved as.
    pub(super) fn get(
        &self,
        name: &str,
        settings: CompressorBuilder,
        dictionary: Option<&[u8]>,
    ) -> Result<(Arc<PageBatch>, Option<Dictionary>)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|one| {
            one.settings == settings
                && one.dictionary.as_ref().map(Dictionary::as_bytes) == dictionary
        });
        if let Some(found) = found {
            let one = kept.remove(found);
            let answer = (Arc::clone(&one.batch), one.dictionary.clone());
            kept.push(one);
            return Ok(answer);
        }
        let error = |error| codec_error(name, &error);
        let dictionary = dictionary
            .map(Dictionary::load)
            .transpose()
            .map_err(error)?;
        let whole = match &dictionary {
            Some(dictionary) => settings.clone().dictionary(dictionary.clone()),
            None => settings.clone(),
        };
        let batch = Arc::new(PageBatch::new(whole).map_err(error)?);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Kept {
            settings,
            dictionary: dictionary.clone(),
            batch: Arc::clone(&batch),
        });
        Ok((batch, dictionary))
    }
}

impl PartialEq for Batches {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Batches {}

impl Hash for Batches {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}
