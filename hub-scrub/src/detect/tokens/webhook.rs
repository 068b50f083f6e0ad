//! This module declares the URLs of webhooks, which are secrets: whoever has one can send messages.
//!
//! Without it, whoever reads an event could write into the channels of somebody else.

use crate::detect::alphabet::Alphabet::{Alphanumeric, Digit, Hex, Lower, Upper, Url};
use crate::detect::declaration::{Declaration, Search};
use crate::detect::kinds::BuiltIn;
use crate::detect::prefixed_secret::secret;
use crate::detect::secret_format::Part::{Text, Uuid};
use crate::detect::secret_format::{between, exactly, form};

/// Declares [`BuiltIn::WebhookUrl`].
pub(in crate::detect) const WEBHOOK_URL: Declaration = secret(
    BuiltIn::WebhookUrl,
    "webhook_url",
    &[Search::Prefix(&[
        form("DingTalk", &["oapi.dingtalk.com/robot/send?access_token="], &[exactly(64, Hex)]),
        form(
            "Discord",
            &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
            &[between(17, 20, Digit), Text("/"), between(60, 72, Url)],
        ),
        form(
            "IFTTT",
            &["maker.ifttt.com/trigger/"],
            &[between(1, 100, Url), Text("/with/key/"), between(20, 64, Url)],
        ),
        form(
            "Lark",
            &["open.larksuite.com/open-apis/bot/v2/hook/", "open.feishu.cn/open-apis/bot/v2/hook/"],
            &[Uuid],
        ),
        form(
            "Make",
            &[
                "hook.eu1.make.com/",
                "hook.eu2.make.com/",
                "hook.us1.make.com/",
                "hook.us2.make.com/",
                "hook.integromat.com/",
            ],
            &[exactly(32, Lower)],
        ),
        form(
            "Microsoft Teams",
            &["webhook.office.com/webhookb2/", "outlook.office.com/webhook/"],
            &[Uuid, Text("@"), Uuid, Text("/IncomingWebhook/"), exactly(32, Hex), Text("/"), Uuid],
        ),
        form(
            "Microsoft Teams",
            &["webhook.office.com/webhookb2/"],
            &[
                Uuid,
                Text("@"),
                Uuid,
                Text("/IncomingWebhook/"),
                exactly(32, Hex),
                Text("/"),
                Uuid,
                Text("/"),
                between(10, 100, Url),
            ],
        ),
        form(
            "Slack",
            &["hooks.slack.com/services/T", "hooks.slack-gov.com/services/T"],
            &[
                between(7, 14, Upper),
                Text("/B"),
                between(7, 14, Upper),
                Text("/"),
                between(23, 25, Alphanumeric),
            ],
        ),
        form(
            "Slack",
            &["hooks.slack.com/workflows/T"],
            &[
                between(7, 14, Upper),
                Text("/A"),
                between(7, 14, Upper),
                Text("/"),
                between(17, 19, Digit),
                Text("/"),
                between(23, 25, Alphanumeric),
            ],
        ),
        form(
            "Slack",
            &["hooks.slack.com/triggers/T", "hooks.slack.com/triggers/E"],
            &[
                between(7, 14, Upper),
                Text("/"),
                between(10, 19, Digit),
                Text("/"),
                exactly(32, Hex),
            ],
        ),
        form(
            "Tines",
            &["tines.com/webhook/"],
            &[exactly(32, Lower), Text("/"), exactly(32, Lower)],
        ),
        form("WeCom", &["qyapi.weixin.qq.com/cgi-bin/webhook/send?key="], &[Uuid]),
        form(
            "Zapier",
            &["hooks.zapier.com/hooks/catch/"],
            &[between(4, 12, Digit), Text("/"), between(5, 12, Lower)],
        ),
    ])],
    &[concat!("https://hooks.slack.com/services/", "T00B3DE6G/B9JK2MN5P/aB3dE6gH9jK2mN5pQ8sT1vX4")],
);
