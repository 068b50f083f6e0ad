-- This script lets Wireshark and tshark show the frames of the Hub protocol, version 1 (PROTOCOL.md).
-- The README beside it says how to install it and what it shows.
--
-- The script has four parts: what the protocol defines (codes, maps, frames), a reader of MessagePack, what
-- is learned from the frames of a connection, and the display. A new frame is a new row of FRAMES.
-- Every loop either moves forward in the captured bytes or has a bound of its own, because a capture may
-- contain any bytes.

local MAX_FRAME = 256 * 1024 * 1024 -- No hub can be configured to accept a longer frame.
local MAX_READ = 2 * 1024 * 1024 -- Of a longer frame, only this many bytes are decoded.
local MAX_DEPTH = 66 -- Values deeper than this are not shown. A hub allows at most 64 levels.
local MAX_ITEMS = 2000 -- At most this many values of one frame are shown.
local MAX_TEXT = 300 -- At most this many bytes of a text are shown. Names of topics have at most 255.
local MAX_INFO = 240 -- The column Info gets about this many bytes.

local hub = Proto("hub", "Hub Protocol")

-- Part 1: what the protocol defines --------------------------------------------------------------------

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
    "rejected", "quarantined", "overloaded",
}
local GAP_REASONS = { "overflow", "conflated", "away", "new_epoch" }
local REFUSED_FRAMES = { [0] = "EVENT", "SUBSCRIBE", "UNSUBSCRIBE", "another frame" }

-- A map that the protocol defines: key, kind, label. The kinds are those of elements, below.
local HELLO = {
    name = { "str", "Name" }, instance = { "bin", "Instance" }, receipts = { "bool", "Wants receipts" },
    receipted = { "uint", "Last receipt" }, credentials = { "secret", "Credentials" },
}
local WELCOME = {
    hub = { "bin", "Run of the hub" }, connection = { "uint", "Connection" }, resumed = { "bool", "Resumed" },
    received = { "uint", "Publish number of the next event" }, publisher = { "str", "Publisher name" },
    inbox = { "str", "Inbox" }, max_frame = { "uint", "Largest frame" }, max_depth = { "uint", "Largest depth" },
    max_elements = { "uint", "Most elements" }, keepalive_ms = { "uint", "Keep-alive in ms" },
    time_ms = { "time", "Clock of the hub" },
}
local HEADERS = {
    id = { "str", "Id" }, reply = { "str", "Reply to" }, re = { "str", "Answer to" }, trace = { "str", "Trace" },
    type = { "str", "Type" }, key = { "str", "Key" }, ttl = { "uint", "Time to live in ms" },
}
local SUBSCRIBE = {
    overflow = { "str", "Overflow policy" }, group = { "str", "Queue group" }, start = { "str", "Start" },
    after = { "any", "Continue after" }, positions = { "bool", "Wants positions" },
}

local TOPIC, EPOCH = { "topic", "str", "Topic" }, { "epoch", "uint", "Epoch" }
local SUBSCRIPTION, TOKEN = { "subscription", "uint", "Subscription" }, { "token", "uint", "Token" }
local ONE_OR_ALL = { "subscription", "uint?", "Subscription" }

-- A row has the name of a frame, the side that sends it, and its elements: name, kind, label, and the
-- names of codes or the keys of a map. A kind with a question mark may be nil or missing. The kind `uints`
-- is a list of uints.
-- `asks` returns the key under which an answer finds this frame, and `answers` returns the key of the
-- frame that this one answers. `info` returns the text for the column Info. `note` returns an expert item
-- and its text. In each of them, `v` has the texts of the values by the name of the element. They are
-- called only for a frame whose elements could all be read.
local FRAMES = {
    [1] = { "HELLO", "client", { "magic", "str", "Magic word" }, { "version", "uint", "Version" },
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
        { "publisher", "str", "Publisher" }, { "time", "time", "Accepted" }, ONE_OR_ALL,
        info = function(v) return v.topic .. " #" .. v.first .. " +" .. v.count end },
    [5] = { "SUBSCRIBE", "client", SUBSCRIPTION, { "filter", "str", "Filter" },
        { "subscribe", "map", "Options", SUBSCRIBE },
        info = function(v) return v.subscription .. " " .. v.filter end,
        asks = function(v) return "subscribe " .. v.subscription end },
    [6] = { "SUBSCRIBED", "hub", SUBSCRIPTION,
        info = function(v) return v.subscription end,
        answers = function(v) return "subscribe " .. v.subscription end },
    [7] = { "UNSUBSCRIBE", "client", SUBSCRIPTION,
        info = function(v) return v.subscription end,
        asks = function(v) return "unsubscribe " .. v.subscription end },
    [8] = { "RECEIPT", "hub", { "next", "uint", "Next publish number" },
        info = function(v) return v.next end },
    [9] = { "REFUSED", "hub", { "refused.what", "uint", "Refused", REFUSED_FRAMES },
        { "refused.number", "uint", "Number" }, { "refused.code", "uint", "Code", REFUSED_CODES },
        { "refused.message", "str", "Message" }, { "refused.rule", "str?", "Rule" }, { "refused.path", "str?", "Path" },
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
        { "gap.to", "uint?", "Last missing event" }, { "gap.reason", "uint", "Reason", GAP_REASONS }, ONE_OR_ALL,
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
}

-- The fields -------------------------------------------------------------------------------------------

local MAKERS = {
    str = function(name, label) return ProtoField.string(name, label) end,
    bin = function(name, label) return ProtoField.bytes(name, label) end,
    bool = function(name, label) return ProtoField.bool(name, label) end,
    any = function(name, label) return ProtoField.string(name, label) end,
    map = function(name, label) return ProtoField.none(name, label) end,
    secret = function(name, label) return ProtoField.none(name, label) end,
    time = function(name, label) return ProtoField.absolute_time(name, label, base.UTC) end,
    uint = function(name, label, codes) return ProtoField.uint64(name, label, base.DEC, codes) end,
    uints = function(name, label) return ProtoField.uint64(name, label) end,
}

local names_of_types = {}
for number, frame in pairs(FRAMES) do names_of_types[number] = frame[1] end
local fields = {
    length = ProtoField.uint32("hub.length", "Length"),
    type = ProtoField.uint8("hub.type", "Type", base.DEC, names_of_types),
    value = ProtoField.string("hub.value", "Value"),
    publish_number = ProtoField.uint64("hub.publish_number", "Publish number"),
    event_number = ProtoField.uint64("hub.event_number", "Event number"),
    answer_in = ProtoField.framenum("hub.answer_in", "Answered in frame", base.NONE, frametype.RESPONSE),
    answers = ProtoField.framenum("hub.answers", "Answers frame", base.NONE, frametype.REQUEST),
    answer_time = ProtoField.relative_time("hub.answer_time", "Time until the answer"),
    receipt_in = ProtoField.framenum("hub.receipt_in", "Receipt in frame", base.NONE, frametype.ACK),
    receipt_time = ProtoField.relative_time("hub.receipt_time", "Time until the receipt"),
    covers = ProtoField.uint64("hub.covers", "Events up to this receipt"),
    covers_first = ProtoField.framenum("hub.covers_first", "First of them in frame"),
    covers_last = ProtoField.framenum("hub.covers_last", "Last of them in frame"),
    run_in = ProtoField.framenum("hub.run_in", "RUN in frame"),
    subscribe_in = ProtoField.framenum("hub.subscribe_in", "SUBSCRIBE in frame"),
}
local function define(name, kind, label, more)
    kind = kind:gsub("%?", "")
    if not fields[name] then fields[name] = MAKERS[kind]("hub." .. name, label, kind ~= "map" and more or nil) end
    for key, of_key in pairs(kind == "map" and more or {}) do define(name .. "." .. key, of_key[1], of_key[2]) end
end
for _, frame in pairs(FRAMES) do
    for number = 3, #frame do define(table.unpack(frame[number])) end
end
hub.fields = fields

local function note(name, text, group, severity)
    return ProtoExpert.new("hub.note." .. name, text, expert.group[group], expert.severity[severity])
end
local notes = {
    gap = note("gap", "Events are missing", "SEQUENCE", "WARN"),
    refused = note("refused", "The hub refused a frame", "RESPONSE_CODE", "WARN"),
    closed = note("closed", "The connection ends as one side asked", "RESPONSE_CODE", "NOTE"),
    closed_early = note("closed_early", "The connection ends for a reason", "RESPONSE_CODE", "WARN"),
    malformed = note("malformed", "The frame is malformed", "MALFORMED", "ERROR"),
    cut = note("cut", "The frame is not complete in this capture", "UNDECODED", "NOTE"),
    unknown = note("unknown", "The type of the frame is unknown", "UNDECODED", "NOTE"),
    order = note("order", "The frame is not allowed at this point", "PROTOCOL", "WARN"),
}
hub.experts = notes

-- Part 2: MessagePack ----------------------------------------------------------------------------------
-- Positions count from 1, in the string that has the bytes of one frame without its length.

local function big_endian(s, from, to)
    local number = 0
    for at = from, to do number = number * 256 + s:byte(at) end
    return number
end

-- For the markers with a fixed form: the kind, the bytes of a length or a count, and the bytes of content.
local MARKERS = {
    [0xc0] = { "nil", 0, 0 }, [0xc2] = { "bool", 0, 0 }, [0xc3] = { "bool", 0, 0 },
    [0xc4] = { "bin", 1, 0 }, [0xc5] = { "bin", 2, 0 }, [0xc6] = { "bin", 4, 0 },
    [0xc7] = { "ext", 1, 1 }, [0xc8] = { "ext", 2, 1 }, [0xc9] = { "ext", 4, 1 },
    [0xca] = { "float", 0, 4 }, [0xcb] = { "float", 0, 8 },
    [0xcc] = { "uint", 0, 1 }, [0xcd] = { "uint", 0, 2 }, [0xce] = { "uint", 0, 4 }, [0xcf] = { "uint", 0, 8 },
    [0xd0] = { "int", 0, 1 }, [0xd1] = { "int", 0, 2 }, [0xd2] = { "int", 0, 4 }, [0xd3] = { "int", 0, 8 },
    [0xd4] = { "ext", 0, 2 }, [0xd5] = { "ext", 0, 3 }, [0xd6] = { "ext", 0, 5 }, [0xd7] = { "ext", 0, 9 },
    [0xd8] = { "ext", 0, 17 }, [0xd9] = { "str", 1, 0 }, [0xda] = { "str", 2, 0 }, [0xdb] = { "str", 4, 0 },
    [0xdc] = { "array", 2, 0 }, [0xdd] = { "array", 4, 0 }, [0xde] = { "map", 2, 0 }, [0xdf] = { "map", 4, 0 },
}

-- Returns the kind of the value at a position, where its content begins and ends, and how many values
-- follow inside of it. Returns nothing if the bytes do not contain the value.
local function head(s, at)
    local marker = s:byte(at)
    if not marker or marker == 0xc1 then return end
    if marker < 0x80 then return "uint", at, at, 0 end
    if marker < 0x90 then return "map", at + 1, at, 2 * (marker - 0x80) end
    if marker < 0xa0 then return "array", at + 1, at, marker - 0x90 end
    local kind, from, to
    if marker < 0xc0 then
        kind, from, to = "str", at + 1, at + marker - 0xa0
    elseif marker >= 0xe0 then
        return "int", at, at, 0
    else
        local form = MARKERS[marker]
        kind, from = form[1], at + 1 + form[2]
        if from - 1 > #s then return end
        local size = form[2] > 0 and big_endian(s, at + 1, from - 1) or 0
        if kind == "array" then return kind, from, from - 1, size end
        if kind == "map" then return kind, from, from - 1, 2 * size end
        to = from + size + form[3] - 1
    end
    if to <= #s then return kind, from, to, 0 end
end

-- Returns the position behind the value at a position. Each step of the loop moves forward.
local function behind(s, at)
    local open = 1
    while open > 0 do
        local kind, _, to, inside = head(s, at)
        if not kind then return end
        at, open = to + 1, open - 1 + inside
    end
    return at
end

local function printable(text)
    local shown, at = {}, 1
    local last = math.min(#text, MAX_TEXT)
    while at <= last do
        local first = text:byte(at)
        local size = first < 0x80 and 1 or first < 0xc2 and 0 or first < 0xe0 and 2 or first < 0xf0 and 3
            or first < 0xf5 and 4 or 0
        local part = text:sub(at, at + size - 1)
        local second = part:byte(2) or 0
        local good = size == 1 and first >= 0x20 and first ~= 0x7f
            or size > 1 and part:find("^.[\128-\191]+$") and #part == size
                and not (first == 0xe0 and second < 0xa0 or first == 0xed and second > 0x9f)
                and not (first == 0xf0 and second < 0x90 or first == 0xf4 and second > 0x8f)
        shown[#shown + 1] = good and part or string.format("\\x%02x", first)
        at = at + (good and size or 1)
    end
    return table.concat(shown) .. (#text > last and "…" or "")
end

-- Returns a whole number as Wireshark's 64-bit type, and as text. Lua's own numbers are not exact beyond
-- 2^53. Returns nothing for a negative number and for another kind of value.
local function whole(s, at)
    local kind, from, to = head(s, at)
    local negative = kind == "int" and s:byte(from) >= 0x80
    if kind ~= "uint" and kind ~= "int" or negative then return end
    local high = big_endian(s, from, to - 4)
    local low = big_endian(s, math.max(from, to - 3), to)
    local number = UInt64.new(low, high)
    return number, tostring(number), high * 4294967296.0 + low
end

local function float(s, from, to)
    local single = to - from == 3
    local split, bias, most = single and 128 or 16, single and 127 or 1023, single and 255 or 2047
    local first, second = s:byte(from, from + 1)
    local exponent = (first % 128) * (256 / split) + math.floor(second / split)
    local fraction = (second % split + big_endian(s, from + 2, to) / 256 ^ (to - from - 1)) / split
    local size = exponent == 0 and fraction * 2 ^ (1 - bias) or (1 + fraction) * 2 ^ (exponent - bias)
    if exponent == most then size = fraction == 0 and math.huge or 0 / 0 end
    return first < 128 and size or -size
end

-- Returns the value at a position as text, and the position behind it. `budget.left` bounds how many
-- values the text has; if they were not enough, there is no position.
local function text_of(s, at, budget, depth)
    local kind, from, to, inside = head(s, at)
    if not kind then return "(cut)" end
    if kind == "nil" then return "nil", to + 1 end
    if kind == "bool" then return s:byte(at) == 0xc3 and "true" or "false", to + 1 end
    if kind == "str" then return '"' .. printable(s:sub(from, to)) .. '"', to + 1 end
    if kind == "ext" then return "extension of " .. to - from .. " bytes", to + 1 end
    if kind == "bin" then return to - from + 1 .. " bytes", to + 1 end
    if kind == "float" then return string.format("%.9g", float(s, from, to)), to + 1 end
    if kind == "uint" or kind == "int" then
        local _, text = whole(s, at)
        if text then return text, to + 1 end
        if from == at then return tostring(s:byte(at) - 256), to + 1 end
        local number, size = big_endian(s, from, to), to - from + 1
        if size < 8 then return string.format("%.0f", number - 256 ^ size), to + 1 end
        text = tostring(Int64.new(big_endian(s, to - 3, to), big_endian(s, from, to - 4)))
        return text, to + 1
    end
    local parts, place = {}, from
    for number = 1, inside do
        budget.left = budget.left - 1
        local text
        if budget.left >= 0 and depth <= MAX_DEPTH then text, place = text_of(s, place, budget, depth + 1) else place = nil end
        local of_map = kind == "map" and number % 2 == 0
        parts[#parts + 1] = (number == 1 and "" or of_map and ": " or ", ") .. (text or "…")
        if not place then break end
    end
    local text = table.concat(parts)
    return kind == "map" and "{" .. text .. "}" or "[" .. text .. "]", place
end

-- Part 3: what is learned from the frames of a connection ---------------------------------------------
-- Wireshark reads a capture once in its order. Only then is something learned; later it shows single
-- packets in any order, and uses the records of the first time.

local conversations -- by both endpoints
local packets -- by number of the packet: the calls of the dissector, each with the records of its frames

function hub.init() conversations, packets = {}, {} end

local function endpoints(pinfo)
    local from, to = tostring(pinfo.src) .. " " .. pinfo.src_port, tostring(pinfo.dst) .. " " .. pinfo.dst_port
    return from, to, from < to and from .. " " .. to or to .. " " .. from
end

-- What a frame changes in a conversation, beyond questions and answers.
local EFFECTS = {
    WELCOME = function(c, v) c.publish, c.max_frame = tonumber(v["welcome.received"]), tonumber(v["welcome.max_frame"]) end,
    SUBSCRIBE = function(c, v, record) c.subscribed[v.subscription] = record end,
    GAP = function(c, v, record) record.subscribe = c.subscribed[v.subscription or 0] end,
    RUN = function(c, v, record)
        c.run, record.first, record.left = record, tonumber(v.first), tonumber(v.count)
        record.subscribe = c.subscribed[v.subscription or 0]
    end,
    EVENT = function(c, _, record, from)
        if from == c.client and c.publish then
            record.publish, c.publish = c.publish, c.publish + 1
            c.waiting[#c.waiting + 1] = record
            c.open[from .. " event " .. string.format("%.0f", record.publish)] = record
        elseif c.client and from ~= c.client and c.run and c.run.left > 0 then
            record.run, record.event = c.run, c.run.first
            c.run.first, c.run.left = c.run.first + 1, c.run.left - 1
        elseif c.client and from ~= c.client and c.greeted then
            record.problem = "The hub sends an EVENT without a RUN"
        end
    end,
    RECEIPT = function(c, v, record)
        local first, last = c.receipted + 1, #c.waiting
        while c.receipted < last and c.waiting[c.receipted + 1].publish < tonumber(v.next) do
            c.receipted = c.receipted + 1
            c.waiting[c.receipted].receipt = record
        end
        record.covers, record.covers_first = c.receipted + 1 - first, c.waiting[first]
        record.covers_last = c.waiting[c.receipted]
    end,
}

local function learn(pinfo, row, v, complete)
    local from, to, key = endpoints(pinfo)
    local name, side = row[1], row[2]
    if name == "HELLO" or not conversations[key] then
        conversations[key] = { open = {}, waiting = {}, receipted = 0, subscribed = {}, greeted = name == "HELLO" }
    end
    local c, record = conversations[key], { frame = pinfo.number, time = pinfo.rel_ts }
    if not c.client and side ~= "both" then c.client = side == "client" and from or to end
    if c.client and side ~= "both" and (side == "client") ~= (from == c.client) then
        record.problem = "Only the other side sends this frame"
        return record
    end
    if name ~= "EVENT" and c.client and from ~= c.client and c.run then
        if c.run.left > 0 then record.problem = "EVENTs of the RUN before are missing" end
        c.run = nil
    end
    if complete or name == "EVENT" then
        if EFFECTS[name] then EFFECTS[name](c, v, record, from) end
    end
    for _, question in ipairs(complete and row.answers and { row.answers(v) } or {}) do
        local asked = c.open[to .. " " .. question]
        if asked then
            record.answers, asked.answer = asked, asked.answer or record
            -- A request may have several answers. Other frames have one.
            if name ~= "EVENT" then c.open[to .. " " .. question] = nil end
        end
    end
    local question = complete and row.asks and row.asks(v)
    if question then c.open[from .. " " .. question] = record end
    return record
end

-- Returns the records of a call of the dissector. A packet may cause several calls with bytes of the same
-- place and length, for example one for each TLS record; they come in the same order each time.
local function call_of(tvb, pinfo)
    local packet = packets[pinfo.number] or { calls = 0 }
    packets[pinfo.number] = packet
    local key = tvb:offset() .. " " .. tvb:len()
    local alike = packet[key] or { turn = 0 }
    packet[key] = alike
    if not pinfo.visited then
        alike[#alike + 1] = { first = packet.calls == 0 }
        packet.calls = packet.calls + 1
        return alike[#alike]
    end
    alike.turn = alike.turn % math.max(#alike, 1) + 1
    return alike[alike.turn] or {}
end

-- Part 4: the display ----------------------------------------------------------------------------------

local function range(frame, from, to) return frame.tvb(frame.base + from - 1, to - from + 1) end

-- Shows any value with what is inside of it. Returns the position behind it, or nothing if MAX_ITEMS or
-- MAX_DEPTH was reached.
local function show(tree, frame, at, label, depth, field)
    frame.left = frame.left - 1
    local kind, from, to, inside = head(frame.s, at)
    if not kind or frame.left < 0 or depth > MAX_DEPTH then return end
    local text = text_of(frame.s, at, { left = 20 }, 0)
    local item = tree:add(field or fields.value, range(frame, at, to), text)
    if not field then item:set_text(label .. ": " .. text) end
    local place = to + 1
    for number = 1, inside, kind == "map" and 2 or 1 do
        local name = number
        if kind == "map" then name, place = text_of(frame.s, place, { left = 8 }, 0) end
        place = place and show(item, frame, place, tostring(name), depth + 1)
        if not place then return end
    end
    item:set_len(place - at)
    return place
end

local element

-- How an element is added, by its kind. Each function returns the text of the value, or nothing if the
-- value is of another kind.
local READERS = {
    str = function(tree, frame, at, field, kind, from, to)
        if kind ~= "str" then return end
        local text = printable(frame.s:sub(from, to))
        tree:add(field, range(frame, at, to), text)
        return text
    end,
    bin = function(tree, frame, _, field, kind, from, to)
        if kind ~= "bin" or to < from then return end
        tree:add(field, range(frame, from, to))
        return to - from + 1 .. " bytes"
    end,
    bool = function(tree, frame, at, field, kind)
        if kind ~= "bool" then return end
        tree:add(field, range(frame, at, at), frame.s:byte(at) == 0xc3)
        return tostring(frame.s:byte(at) == 0xc3)
    end,
    uint = function(tree, frame, at, field, _, _, to)
        local number, text = whole(frame.s, at)
        if number then tree:add(field, range(frame, at, to), number) end
        return text
    end,
    uints = function(tree, frame, at, field, kind, from, _, inside)
        local texts = {}
        for number = 1, kind == "array" and inside or 0 do
            local value, text = whole(frame.s, from)
            local _, _, to = head(frame.s, from)
            frame.left = frame.left - 1
            if not value or frame.left < 0 then return end
            tree:add(field, range(frame, from, to), value)
            texts[number], from = text, to + 1
        end
        return kind == "array" and table.concat(texts, ",") or nil
    end,
    time = function(tree, frame, at, field, _, _, to)
        local _, text, ms = whole(frame.s, at)
        if not ms or ms >= 253402300800000 then return end -- the year 10000
        local seconds = math.floor(ms / 1000)
        tree:add(field, range(frame, at, to), NSTime.new(seconds, math.floor(ms - seconds * 1000) * 1000000))
        return text
    end,
    secret = function(tree, frame, at, field, _, _, to)
        tree:add(field, range(frame, at, to)):append_text(": not shown")
        return ""
    end,
    any = function(tree, frame, at, field)
        show(tree, frame, at, "", 0, field)
        return ""
    end,
    map = function(tree, frame, at, field, kind, from, to, inside, name, keys)
        if kind ~= "map" then return end
        local item, good = tree:add(field, range(frame, at, to)), true
        for _ = 1, inside, 2 do
            local of_key, key_from, key_to = head(frame.s, from)
            frame.left = frame.left - 1
            if of_key ~= "str" or frame.left < 0 then return end
            local key = frame.s:sub(key_from, key_to)
            local row = keys[key]
            from = behind(frame.s, key_to + 1)
            if not from then return end
            if row then
                good = element(item, frame, key_to + 1, name .. "." .. key, row[1], row[2]) and good
            else
                show(item, frame, key_to + 1, printable(key), 0)
            end
        end
        item:set_len(from - at)
        return good and "" or nil
    end,
}

-- Adds one element. Returns whether the element is of its kind.
function element(tree, frame, at, name, kind, label, more)
    local found, from, to, inside = head(frame.s, at)
    local may_be_nil = kind:sub(-1) == "?"
    if not found then return false end
    if found == "nil" and may_be_nil then
        tree:add(range(frame, at, at), label .. ": nil")
        return true
    end
    local read = READERS[may_be_nil and kind:sub(1, -2) or kind]
    local text = read(tree, frame, at, fields[name], found, from, to, inside, name, more)
    frame.v[name] = text
    if not text then show(tree, frame, at, label .. " (not valid)", 0) end
    return text ~= nil
end

-- Adds all elements. Returns why the frame is malformed, or nothing.
local function elements(tree, frame, row)
    local place, count = 3, frame.s:byte(1) - 0x90
    for number = 3, math.max(#row, count + 1) do
        local spec = row[number]
        if number > count + 1 then
            if spec[2]:sub(-1) ~= "?" then return "The element " .. spec[1] .. " is missing" end
        else
            local next_place = behind(frame.s, place)
            if not next_place then return "The frame ends inside of an element" end
            if not spec then
                show(tree, frame, place, "Further element", 0)
            elseif not element(tree, frame, place, table.unpack(spec)) then
                return "The element " .. spec[1] .. " is not valid"
            end
            place = next_place
        end
    end
    if place <= #frame.s then return "Bytes follow the array" end
end

local function after(tree, field, from, to)
    local microseconds = math.floor((to.time - from.time) * 1e6 + 0.5)
    local seconds = math.floor(microseconds / 1e6)
    tree:add(field, NSTime.new(seconds, math.floor(microseconds - seconds * 1e6) * 1000)):set_generated()
end

-- Adds what is known from other frames.
local function links(tree, record)
    local function add(field, value) if value then tree:add(fields[field], value):set_generated() end end
    add("publish_number", record.publish and UInt64.new(record.publish % 2 ^ 32, math.floor(record.publish / 2 ^ 32) % 2 ^ 32))
    add("event_number", record.event and UInt64.new(record.event % 2 ^ 32, math.floor(record.event / 2 ^ 32) % 2 ^ 32))
    add("run_in", record.run and record.run.frame)
    add("subscribe_in", record.subscribe and record.subscribe.frame)
    add("answer_in", record.answer and record.answer.frame)
    add("answers", record.answers and record.answers.frame)
    if record.answers then after(tree, fields.answer_time, record.answers, record) end
    add("receipt_in", record.receipt and record.receipt.frame)
    if record.receipt then after(tree, fields.receipt_time, record, record.receipt) end
    add("covers", record.covers and UInt64.new(record.covers, 0))
    add("covers_first", record.covers_first and record.covers > 0 and record.covers_first.frame)
    add("covers_last", record.covers_last and record.covers > 0 and record.covers_last.frame)
end

-- Shows one frame, of which `size` bytes behind the length were captured. Returns the text for Info.
local function show_frame(tvb, at, size, whole_size, pinfo, tree, call, index)
    local item = tree:add(hub, tvb(at, 4 + size))
    item:add(fields.length, tvb(at, 4), whole_size)
    local s = tvb(at + 4, math.min(size, MAX_READ)):raw()
    local cut = #s < whole_size
    local first, number = s:byte(1, 2)
    if not number or first < 0x91 or first > 0x9f or number > 0x7f then
        item:add_proto_expert_info(cut and notes.cut or notes.malformed, "The frame is no array with a type")
        return "malformed"
    end
    local row = FRAMES[number]
    item:add(fields.type, tvb(at + 5, 1), number)
    if not row then
        item:add_proto_expert_info(notes.unknown)
        return "type " .. number
    end
    local frame = { tvb = tvb, base = at + 4, s = s, v = {}, left = MAX_ITEMS }
    local fault = elements(item, frame, row)
    if fault then item:add_proto_expert_info(cut and notes.cut or notes.malformed, fault) end
    if not pinfo.visited then call[index] = learn(pinfo, row, frame.v, not fault) end
    local record, text = call[index] or {}, row[1]
    local info = not fault and row.info(frame.v)
    if info then text = text .. " " .. info end
    if record.event then text = string.format("%s #%.0f", text, record.event) end
    item:append_text(", " .. text)
    if record.problem then item:add_proto_expert_info(notes.order, record.problem) end
    if not fault and row.note then
        local name, why = row.note(frame.v)
        item:add_proto_expert_info(notes[name], why)
    end
    links(item, record)
    return text
end

local function dissect(tvb, pinfo, tree)
    local _, _, key = endpoints(pinfo)
    local at, total, captured = 0, tvb:reported_len(), tvb:len()
    local call, texts = nil, {}
    while at < captured do
        local rest = total - at
        local size = captured - at >= 4 and tvb(at, 4):uint()
        local c = conversations[key]
        local limit = c and c.max_frame or MAX_FRAME
        -- The first bytes of a TLS record are 14 to 17 and 03. Read as a length, they exceed MAX_FRAME.
        local no_frame = size and (size > MAX_FRAME or size > limit and size > 65536)
        local other = size and captured >= 6 and (tvb(4, 1):uint() < 0x91 or tvb(4, 1):uint() > 0x9f or tvb(5, 1):uint() > 0x7f)
        if other and at == 0 and not c then return 0 end
        if no_frame and at == 0 and (not c or tvb(0, 1):uint() >= 0x14 and tvb(0, 1):uint() <= 0x17) then return 0 end
        if (not size or not no_frame and 4 + size > rest) and total == captured and pinfo.can_desegment > 0 then
            pinfo.desegment_offset = at
            pinfo.desegment_len = size and 4 + size - rest or DESEGMENT_ONE_MORE_SEGMENT
            break
        end
        call = call or call_of(tvb, pinfo)
        if no_frame or not size then
            local item = tree:add(hub, tvb(at), "Hub Protocol, bytes that are no frame")
            item:add_proto_expert_info(no_frame and notes.malformed or notes.cut, "These bytes do not begin with the length of a frame")
            texts[#texts + 1], at = "no frame", captured
        else
            texts[#texts + 1] = show_frame(tvb, at, math.min(size, captured - at - 4), size, pinfo, tree, call, #texts + 1)
            at = at + 4 + size
        end
    end
    if #texts > 0 then
        local info, count = call.first and "" or ", ", 0
        while count < #texts and (count == 0 or #info < MAX_INFO) do
            info, count = info .. (count > 0 and ", " or "") .. texts[count + 1], count + 1
        end
        if count < #texts then info = info .. " and " .. #texts - count .. " more" end
        pinfo.cols.protocol = "HUB"
        if call.first then pinfo.cols.info:clear() end
        pinfo.cols.info:append(info)
        pinfo.cols.info:fence()
    end
    return math.max(captured, 1)
end
hub.dissector = dissect

-- Registration: by port, by the ALPN name inside of TLS, and by the first frame.

local function begins_with_hello(tvb)
    if tvb:len() < 10 or tvb(0, 4):uint() > 4096 then return false end
    local s = tvb(4):raw()
    local kind, from, to = head(s, 3)
    return s:byte(1) >= 0x93 and s:byte(1) <= 0x9f and s:byte(2) == 1 and kind == "str" and s:sub(from, to) == "hub"
end

hub:register_heuristic("tcp", function(tvb, pinfo, tree)
    if not begins_with_hello(tvb) then return false end
    pinfo.conversation = hub
    dissect(tvb, pinfo, tree)
    return true
end)
-- With `pinfo.conversation`, the encrypted bytes of the connection would come here too.
hub:register_heuristic("tls", function(tvb, pinfo, tree)
    local _, _, key = endpoints(pinfo)
    return (begins_with_hello(tvb) or conversations[key] ~= nil) and dissect(tvb, pinfo, tree) > 0
end)

hub.prefs.ports = Pref.range("TCP ports", "4820", "Ports on which hubs accept clients, with or without TLS", 65535)
local ports = hub.prefs.ports
DissectorTable.get("tcp.port"):add(ports, hub)
DissectorTable.get("tls.port"):add_for_decode_as(hub)
DissectorTable.get("tls.alpn"):add("hub/1", hub)

function hub.prefs_changed()
    DissectorTable.get("tcp.port"):remove(ports, hub)
    ports = hub.prefs.ports
    DissectorTable.get("tcp.port"):add(ports, hub)
end
