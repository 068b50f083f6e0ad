//! This module declares the keys of services that run models or store what models need.
//!
//! Without it, whoever reads an event could use models on somebody else's bill.

use crate::detect::alphabet::Alphabet::{Alphanumeric, AnyHex, Hex, Lower, Url};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::AiToken`].
pub(in crate::detect) const AI_TOKEN: Declaration = secret(
    BuiltIn::AiToken,
    "ai_token",
    &[Search::Prefix(&[
        form("Anyscale", &["esecret_"], &[between(20, 40, Alphanumeric)]),
        form("Cerebras", &["csk-"], &[exactly(48, Lower)]),
        form("E2B", &["e2b_"], &[exactly(40, Hex)]),
        form("ElevenLabs", &["sk_"], &[exactly(48, Hex)]),
        form("Firecrawl", &["fc-"], &[exactly(32, Hex)]),
        form("Groq", &["gsk_"], &[exactly(52, Alphanumeric)]),
        form("Helicone", &["sk-helicone-"], &[between(24, 48, Url)]),
        form("Jina", &["jina_"], &[exactly(60, Url)]),
        form("Langfuse", &["sk-lf-"], &[Uuid]),
        form(
            "LangSmith",
            &["lsv2_pt_", "lsv2_sk_"],
            &[exactly(32, Hex), Text("_"), exactly(10, Hex)],
        ),
        form("LangSmith", &["ls__"], &[exactly(32, Hex)]),
        form("LlamaCloud", &["llx-"], &[between(40, 64, Alphanumeric)]),
        form("NVIDIA", &["nvapi-"], &[exactly(64, Url)]),
        form("OpenRouter", &["sk-or-v1-"], &[exactly(64, Hex)]),
        form("Perplexity", &["pplx-"], &[between(40, 64, Alphanumeric)]),
        form(
            "Photoroom",
            &["sk_pr_"],
            &[between(1, 64, Alphanumeric), Text("_"), exactly(40, AnyHex)],
        ),
        form(
            "Pinecone",
            &["pcsk_"],
            &[between(5, 6, Alphanumeric), Text("_"), exactly(63, Alphanumeric)],
        ),
        form("Replicate", &["r8_"], &[exactly(37, Url)]),
        form(
            "SaladCloud",
            &["salad_cloud_"],
            &[between(1, 7, Alphanumeric), Text("_"), between(20, 235, Alphanumeric)],
        ),
        form("Tavily", &["tvly-"], &[between(32, 64, Url)]),
        form("Together", &["tgp_v1_"], &[exactly(43, Url)]),
        form("xAI", &["xai-"], &[exactly(80, Url)]),
    ])],
    &[concat!("gsk_", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4y")],
);
