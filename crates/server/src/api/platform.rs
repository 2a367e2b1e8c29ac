//! What this installation is.

use axum::Json;
use axum::extract::State;

use crate::app::Shared;
use crate::wire::{Platform, Words, source_name};

/// What this installation is.
#[utoipa::path(get, path = "/platform", tag = "platform", responses((status = 200, description = "The installation", body = Platform)))]
pub(crate) async fn platform(State(app): Shared) -> Json<Platform> {
    Json(Platform {
        name: "Potluck",
        version: env!("CARGO_PKG_VERSION"),
        demo: app.config.demo.is_on(),
        log_origin: app.installation.log.to_string(),
        source: source_name(&app.installation.source),
        profile_note: Words {
            zh: "每个活动都注明它所依据的合规档案；seed 档案仅供演示和测试。".to_owned(),
            en: "Every campaign names the profile it was published under; the seed profile is for demonstration and \
                 tests only."
                .to_owned(),
        },
        languages: ["zh", "en"],
    })
}
