-- What the Hub protocol, version 1, defines (PROTOCOL.md): codes, maps and frames. hub.lua shows whatever is
-- in these tables. A new frame is a new row of FRAMES, and a new code is a new word.

local CLOSE_CODES = {
    [100] = "going_away", [101] = "slow_consumer", [102] = "silent", [103] = "overloaded", [104] = "internal",
    [105] = "rights_changed", [106] = "too_many_connections", [200] = "normal", [201] = "protocol_error",
    [202] = "unsupported_version", [203] = "unauthorized", [204] = "handshake_timeout",
    [205] = "frame_too_large", [206] = "replaced", [207] = "policy",
}
local REFUSED_CODES = {
    "malformed", "too_deep", "too_many_elements", "bad_topic", "reserved_topic", "bad_header",
    "reserved_header", "no_subscriber", "bad_filter", "bad_option", "duplicate_subscription",
    "unknown_subscription", "too_many_subscriptions", "unknown_frame", "forbidden", "too_many_topics",
    "rejected", "quarantined", "overloaded", "self_blocked", "not_held",
}
local GAP_REASONS = { "overflow", "conflated", "away", "new_epoch", "given_up" }
local REFUSED_FRAMES = { [0] = "EVENT", "SUBSCRIBE or RESUME", "UNSUBSCRIBE", "another frame", "ACK" }
local OUTCOMES = { [0] = "done", "failed", "rejected", "working" }

-- A map that the protocol defines: key, kind, label, and the keys or items of what is inside of the value. The kinds
-- are those of elements, below.
local HELLO = {
    name = { "str", "Name" }, instance = { "bin", "Instance" }, receipts = { "bool", "Wants receipts" },
    receipted = { "uint", "Last receipt" }, credentials = { "secret", "Credentials" },
}
local WELCOME = {
    hub = { "bin", "Run of the hub" }, connection = { "uint", "Connection" }, resumed = { "bool", "Resumed" },
    kept = { "bool", "Kept subscriptions" }, received = { "uint", "Publish number of the next event" },
    publisher = { "str", "Publisher name" }, inbox = { "str", "Inbox" }, max_frame = { "uint", "Largest frame" },
    max_depth = { "uint", "Largest depth" }, max_elements = { "uint", "Most elements" },
    keepalive_ms = { "uint", "Keep-alive in ms" }, time_ms = { "time", "Clock of the hub" },
}
local HEADERS = {
    id = { "str", "Id" }, reply = { "str", "Reply to" }, re = { "str", "Answer to" }, trace = { "str", "Trace" },
    type = { "str", "Type" }, key = { "str", "Key" },
}
local ACK_TERMS = {
    timeout_ms = { "uint", "Time for an event in ms" }, attempts = { "uint", "Most attempts" },
    backoff_ms = { "uint", "First backoff in ms" }, dead_letter = { "str?", "Dead letter topic" },
    ordered = { "bool", "In order of each key" },
}
local WINDOW = { { "events", "uint", "Events" }, { "bytes", "uint", "Bytes" } }
local SUBSCRIBE = {
    overflow = { "str", "Overflow policy" }, group = { "str?", "Queue group" }, start = { "str", "Start" },
    after = { "any", "Continue after" }, positions = { "bool", "Wants positions" },
    more = { "bool", "More positions follow" }, observe = { "bool", "Only watches" },
    window = { "list", "Window", WINDOW }, ack = { "map", "Acknowledgement", ACK_TERMS },
    keep = { "bool", "Outlives the connection" },
}

local TOPIC, EPOCH = { "topic", "str", "Topic" }, { "epoch", "uint", "Epoch" }
local SUBSCRIPTION, TOKEN = { "subscription", "uint", "Subscription" }, { "token", "uint", "Token" }
local SUBSCRIPTIONS = { "subscription", "uints", "Subscription" }

-- A row has the name of a frame, the side that sends it, and its elements: name, kind, label, and the
-- names of codes, the keys of a map or the items of a list. A kind with a question mark may be nil or missing. The
-- kind `uints` is an array of any number of uints, and `versions` is a uint or such an array.
-- `asks` returns the key under which an answer finds this frame, and `answers` returns the key of the
-- frame that this one answers. `info` returns the text for the column Info. `note` returns an expert item
-- and its text, or nothing. In each of them, `v` has the texts of the values by the name of the element. They are
-- called only for a frame whose elements could all be read.
local FRAMES = {
    [1] = { "HELLO", "client", { "magic", "str", "Magic word" }, { "version", "versions", "Version" },
        { "hello", "map", "Options", HELLO },
        info = function(v) return v["hello.name"] end,
        asks = function() return "hello" end },
    [2] = { "WELCOME", "hub", { "version", "uint", "Version" }, { "welcome", "map", "Facts", WELCOME },
        info = function(v) return v["welcome.publisher"] end,
        answers = function() return "hello" end },
    [3] = { "EVENT", "both", TOPIC, { "payload", "any", "Payload" }, { "headers", "map?", "Headers", HEADERS },
        info = function(v) return v.topic end,
        asks = function(v) return v["headers.reply"] and v["headers.id"] and "request " .. v["headers.id"] end,
        answers = function(v) return v["headers.re"] and "request " .. v["headers.re"] end },
    [4] = { "RUN", "hub", TOPIC, EPOCH, { "first", "uint", "First event number" }, { "count", "uint", "Events" },
        { "publisher", "str", "Publisher" }, { "time", "time", "Accepted" }, SUBSCRIPTIONS,
        { "attempt", "uint?", "Attempt" },
        info = function(v)
            local attempt = v.attempt and ", attempt " .. v.attempt or ""
            return v.topic .. " #" .. v.first .. " +" .. v.count .. attempt
        end,
        note = function(v)
            if (tonumber(v.attempt) or 1) > 1 then return "again", "These events come again, attempt " .. v.attempt end
        end },
    [5] = { "SUBSCRIBE", "client", SUBSCRIPTION, { "filter", "str", "Filter" },
        { "subscribe", "map", "Options", SUBSCRIBE },
        info = function(v) return v.subscription .. " " .. v.filter end,
        asks = function(v) return "subscribe " .. v.subscription end },
    [6] = { "SUBSCRIBED", "hub", SUBSCRIPTION,
        info = function(v) return v.subscription end,
        answers = function(v) return "subscribe " .. v.subscription end },
    [7] = { "UNSUBSCRIBE", "client", SUBSCRIPTION, { "drain", "bool", "Wants what waits" },
        info = function(v) return v.subscription .. (v.drain == "true" and ", drain" or "") end,
        asks = function(v) return "unsubscribe " .. v.subscription end },
    [8] = { "RECEIPT", "hub", { "next", "uint", "Next publish number" },
        info = function(v) return v.next end },
    [9] = { "REFUSED", "hub", { "refused.what", "uint", "Refused", REFUSED_FRAMES },
        { "refused.number", "uint", "Number" }, { "refused.code", "uint", "Code", REFUSED_CODES },
        { "refused.message", "str", "Message" }, { "refused.rule", "str?", "Rule" }, { "refused.path", "str?", "Path" },
        { "refused.id", "str?", "Id of the event" },
        info = function(v)
            return (REFUSED_FRAMES[tonumber(v["refused.what"])] or "?") .. " " .. v["refused.number"] .. ": "
                .. (REFUSED_CODES[tonumber(v["refused.code"])] or v["refused.code"])
        end,
        answers = function(v)
            local asked = { [0] = "event ", "subscribe ", "unsubscribe " }
            return (asked[tonumber(v["refused.what"])] or "other ") .. v["refused.number"]
        end,
        note = function(v) return "refused", "The hub refused: " .. v["refused.message"] end },
    [10] = { "GAP", "hub", TOPIC, EPOCH, { "gap.from", "uint", "First missing event" },
        { "gap.to", "uint?", "Last missing event" }, { "gap.reason", "uint", "Reason", GAP_REASONS }, SUBSCRIPTIONS,
        info = function(v) return v.topic .. " #" .. v["gap.from"] .. " to #" .. (v["gap.to"] or "?") end,
        note = function(v)
            local reason = GAP_REASONS[tonumber(v["gap.reason"])] or "reason " .. v["gap.reason"]
            local events = "The events " .. v["gap.from"] .. " to " .. (v["gap.to"] or "an unknown one")
            return "gap", events .. " of " .. v.topic .. " are missing: " .. reason
        end },
    [11] = { "PING", "both", TOKEN,
        info = function(v) return v.token end,
        asks = function(v) return "ping " .. v.token end },
    [12] = { "PONG", "both", TOKEN,
        info = function(v) return v.token end,
        answers = function(v) return "ping " .. v.token end },
    [13] = { "CLOSE", "both", { "close.code", "uint", "Code", CLOSE_CODES }, { "close.reason", "str", "Reason" },
        { "close.retry_after", "uint?", "Retry after ms" },
        info = function(v) return CLOSE_CODES[tonumber(v["close.code"])] or v["close.code"] end,
        asks = function() return "close" end,
        answers = function() return "close", "hello" end,
        note = function(v)
            local code = tonumber(v["close.code"])
            local text = "The connection ends: " .. (CLOSE_CODES[code] or code) .. " (" .. v["close.reason"] .. ")"
            return code == 200 and "closed" or "closed_early", text
        end },
    [14] = { "TAKEN", "client", SUBSCRIPTION, { "taken", "uint", "Finished events" },
        { "taken.events", "uint?", "Events of the window from now on" },
        { "taken.bytes", "uint?", "Bytes of the window from now on" },
        info = function(v) return v.subscription .. ": " .. v.taken end },
    [15] = { "ACK", "client", SUBSCRIPTION, { "ack.first", "uint", "First delivery" },
        { "ack.last", "uint", "Last delivery" }, { "ack.outcome", "uint", "Outcome", OUTCOMES }, { "ack.reason", "str?", "Reason" },
        info = function(v)
            local outcome = OUTCOMES[tonumber(v["ack.outcome"])] or v["ack.outcome"]
            return v.subscription .. ": " .. v["ack.first"] .. " to " .. v["ack.last"] .. " " .. outcome
        end,
        note = function(v)
            local outcome = tonumber(v["ack.outcome"])
            if outcome ~= 1 and outcome ~= 2 then return end
            local text = "The client has " .. (outcome == 1 and "failed on" or "rejected")
            local which = " the deliveries " .. v["ack.first"] .. " to " .. v["ack.last"]
            return "failed", text .. which .. (v["ack.reason"] and ": " .. v["ack.reason"] or "")
        end },
    [16] = { "RESUME", "client", SUBSCRIPTION, { "resume.events", "uint", "Events that came" },
        { "resume.gaps", "uint", "GAPs that came" },
        info = function(v) return v.subscription .. " behind " .. v["resume.events"] .. " events" end,
        asks = function(v) return "subscribe " .. v.subscription end },
}

return FRAMES
