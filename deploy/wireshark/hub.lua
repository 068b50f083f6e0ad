-- Lets Wireshark and tshark show the frames of the Hub protocol, version 1 (PROTOCOL.md). The README beside this
-- file says how to install it and what it shows. Without it, a capture of a hub shows bytes.
--
-- hub_protocol.lua has the frames, hub_msgpack.lua reads their bytes, and hub_links.lua learns from the frames of a
-- connection what belongs together. This file makes the fields and shows all of it. Every loop either moves forward
-- in the captured bytes or has a bound of its own, because a capture may contain any bytes.

local folder = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local FRAMES = dofile(folder .. "hub_protocol.lua")
local msgpack = dofile(folder .. "hub_msgpack.lua")
local links = dofile(folder .. "hub_links.lua")
local head, behind, whole = msgpack.head, msgpack.behind, msgpack.whole
local text_of, printable = msgpack.text_of, msgpack.printable

local MAX_FRAME = 256 * 1024 * 1024 -- No hub can be configured to accept a longer frame.
local MAX_READ = 2 * 1024 * 1024 -- Of a longer frame, only this many bytes are decoded.
local MAX_ITEMS = 2000 -- At most this many values of one frame are shown.
local MAX_INFO = 240 -- The column Info gets about this many bytes.

local hub = Proto("hub", "Hub Protocol")
hub.init = links.init

-- The fields -------------------------------------------------------------------------------------------

local MAKERS = {
    str = function(name, label) return ProtoField.string(name, label) end,
    bin = function(name, label) return ProtoField.bytes(name, label) end,
    bool = function(name, label) return ProtoField.bool(name, label) end,
    any = function(name, label) return ProtoField.string(name, label) end,
    map = function(name, label) return ProtoField.none(name, label) end,
    list = function(name, label) return ProtoField.none(name, label) end,
    secret = function(name, label) return ProtoField.none(name, label) end,
    time = function(name, label) return ProtoField.absolute_time(name, label, base.UTC) end,
    uint = function(name, label, codes) return ProtoField.uint64(name, label, base.DEC, codes) end,
    uints = function(name, label) return ProtoField.uint64(name, label, base.DEC) end,
    versions = function(name, label) return ProtoField.uint64(name, label, base.DEC) end,
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
    subscribe_in = ProtoField.framenum("hub.subscribe_in", "SUBSCRIBE or RESUME in frame"),
}
local function define(name, kind, label, more)
    kind = kind:gsub("%?", "")
    if not fields[name] then fields[name] = MAKERS[kind]("hub." .. name, label, kind == "uint" and more or nil) end
    for key, of_key in pairs(kind == "map" and more or {}) do define(name .. "." .. key, table.unpack(of_key)) end
    for _, item in ipairs(kind == "list" and more or {}) do define(name .. "." .. item[1], table.unpack(item, 2)) end
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
    failed = note("failed", "The client has failed on events", "RESPONSE_CODE", "WARN"),
    again = note("again", "The events come again", "SEQUENCE", "NOTE"),
    refused = note("refused", "The hub refused a frame", "RESPONSE_CODE", "WARN"),
    closed = note("closed", "The connection ends as one side asked", "RESPONSE_CODE", "NOTE"),
    closed_early = note("closed_early", "The connection ends for a reason", "RESPONSE_CODE", "WARN"),
    malformed = note("malformed", "The frame is malformed", "MALFORMED", "ERROR"),
    cut = note("cut", "The frame is not complete in this capture", "UNDECODED", "NOTE"),
    unknown = note("unknown", "The type of the frame is unknown", "UNDECODED", "NOTE"),
    order = note("order", "The frame is not allowed at this point", "PROTOCOL", "WARN"),
}
hub.experts = notes

-- The display ------------------------------------------------------------------------------------------

-- Returns a function that says whether somebody looks at a field: at each of them if the tree is shown, and
-- otherwise at those that a filter or a column names. To make the others would only take time.
local function looked_at(tree)
    local visible, known = tree.visible, {}
    return function(field)
        if visible then return true end
        if known[field] == nil then known[field] = tree:referenced(field) end
        return known[field]
    end
end

local function range(frame, from, to) return frame.tvb(frame.base + from - 1, to - from + 1) end

-- Shows any value with what is inside of it. Returns the position behind it, or nothing if MAX_ITEMS or
-- MAX_DEPTH was reached.
local function show(tree, frame, at, label, depth, field)
    if not frame.wants(fields.value) and not (field and frame.wants(field)) then return end
    frame.left = frame.left - 1
    local kind, from, to, inside = head(frame.s, at)
    if not kind or frame.left < 0 or depth > msgpack.MAX_DEPTH then return end
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
        if frame.wants(field) then tree:add(field, range(frame, at, to), text) end
        return text
    end,
    bin = function(tree, frame, _, field, kind, from, to)
        if kind ~= "bin" or to < from then return end
        if frame.wants(field) then tree:add(field, range(frame, from, to)) end
        return to - from + 1 .. " bytes"
    end,
    bool = function(tree, frame, at, field, kind)
        if kind ~= "bool" then return end
        if frame.wants(field) then tree:add(field, range(frame, at, at), frame.s:byte(at) == 0xc3) end
        return tostring(frame.s:byte(at) == 0xc3)
    end,
    uint = function(tree, frame, at, field, _, _, to)
        local number, text = whole(frame.s, at)
        if number and frame.wants(field) then tree:add(field, range(frame, at, to), number) end
        return text
    end,
    uints = function(tree, frame, _, field, kind, from, _, inside)
        if kind ~= "array" then return end
        local texts = {}
        for number = 1, inside do
            local value, text = whole(frame.s, from)
            local _, _, to = head(frame.s, from)
            frame.left = frame.left - 1
            if not value then return end
            -- A RUN for more subscriptions than can be shown is not malformed.
            if frame.left < 0 then texts[number] = "…" break end
            if frame.wants(field) then tree:add(field, range(frame, from, to), value) end
            texts[number], from = text, to + 1
        end
        return table.concat(texts, ",")
    end,
    time = function(tree, frame, at, field, _, _, to)
        local _, text, ms = whole(frame.s, at)
        if not ms or ms >= 253402300800000 then return end -- the year 10000
        local seconds = math.floor(ms / 1000)
        if not frame.wants(field) then return text end
        tree:add(field, range(frame, at, to), NSTime.new(seconds, math.floor(ms - seconds * 1000) * 1000000))
        return text
    end,
    secret = function(tree, frame, at, field, _, _, to)
        if frame.wants(field) then tree:add(field, range(frame, at, to)):append_text(": not shown") end
        return ""
    end,
    any = function(tree, frame, at, field)
        show(tree, frame, at, "", 0, field)
        return ""
    end,
    map = function(tree, frame, at, field, kind, from, to, inside, name, keys)
        if kind ~= "map" then return end
        local item, good = tree, true
        if frame.wants(field) then item = tree:add(field, range(frame, at, to)) end
        for _ = 1, inside, 2 do
            local of_key, key_from, key_to = head(frame.s, from)
            frame.left = frame.left - 1
            if of_key ~= "str" or frame.left < 0 then return end
            local key = frame.s:sub(key_from, key_to)
            local row = keys[key]
            from = behind(frame.s, key_to + 1)
            if not from then return end
            if row then
                good = element(item, frame, key_to + 1, name .. "." .. key, table.unpack(row)) and good
            else
                show(item, frame, key_to + 1, printable(key), 0)
            end
        end
        if item ~= tree then item:set_len(from - at) end
        return good and "" or nil
    end,
    list = function(tree, frame, at, field, kind, from, _, inside, name, items)
        if kind ~= "array" or inside ~= #items then return end
        local item = tree
        if frame.wants(field) then item = tree:add(field, range(frame, at, at)) end
        for _, row in ipairs(items) do
            if not element(item, frame, from, name .. "." .. row[1], table.unpack(row, 2)) then return end
            from = behind(frame.s, from)
        end
        if item ~= tree then item:set_len(from - at) end
        return ""
    end,
}
function READERS.versions(tree, frame, at, field, kind, ...)
    return READERS[kind == "array" and "uints" or "uint"](tree, frame, at, field, kind, ...)
end

-- Adds one element. Returns whether the element is of its kind.
function element(tree, frame, at, name, kind, label, more)
    local found, from, to, inside = head(frame.s, at)
    local may_be_nil = kind:sub(-1) == "?"
    if not found then return false end
    if found == "nil" and may_be_nil then
        if frame.wants(fields.value) then tree:add(range(frame, at, at), label .. ": nil") end
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

local function after(tree, field, from, to, wants)
    if not wants(field) then return end
    local microseconds = math.floor((to.time - from.time) * 1e6 + 0.5)
    local seconds = math.floor(microseconds / 1e6)
    tree:add(field, NSTime.new(seconds, math.floor(microseconds - seconds * 1e6) * 1000)):set_generated()
end

-- Adds what is known from other frames.
local function add_links(tree, record, wants)
    local function add(field, value)
        if value and wants(fields[field]) then tree:add(fields[field], value):set_generated() end
    end
    local function whole_number(number)
        return number and UInt64.new(number % 2 ^ 32, math.floor(number / 2 ^ 32) % 2 ^ 32)
    end
    add("publish_number", whole_number(record.publish))
    add("event_number", whole_number(record.event))
    add("run_in", record.run and record.run.frame)
    for _, subscribe in ipairs(record.subscribes or {}) do add("subscribe_in", subscribe.frame) end
    add("answer_in", record.answer and record.answer.frame)
    add("answers", record.answers and record.answers.frame)
    if record.answers then after(tree, fields.answer_time, record.answers, record, wants) end
    add("receipt_in", record.receipt and record.receipt.frame)
    if record.receipt then after(tree, fields.receipt_time, record, record.receipt, wants) end
    add("covers", whole_number(record.covers))
    add("covers_first", record.covers_first and record.covers > 0 and record.covers_first.frame)
    add("covers_last", record.covers_last and record.covers > 0 and record.covers_last.frame)
end

-- Shows one frame, of which `size` bytes behind the length were captured. Returns the text for Info.
-- `way` has the ends of the connection, and says which fields are looked at.
local function show_frame(tvb, at, size, whole_size, pinfo, tree, call, index, way)
    local item = tree:add(hub, tvb(at, 4 + size))
    if way.wants(fields.length) then item:add(fields.length, tvb(at, 4), whole_size) end
    local s = tvb(at + 4, math.min(size, MAX_READ)):raw()
    local cut = #s < whole_size
    local first, number = s:byte(1, 2)
    if not number or first < 0x91 or first > 0x9f or number > 0x7f then
        item:add_proto_expert_info(cut and notes.cut or notes.malformed, "The frame is no array with a type")
        return "malformed"
    end
    local row = FRAMES[number]
    if way.wants(fields.type) then item:add(fields.type, tvb(at + 5, 1), number) end
    if not row then
        item:add_proto_expert_info(notes.unknown)
        return "type " .. number
    end
    local frame = { tvb = tvb, base = at + 4, s = s, v = {}, left = MAX_ITEMS, wants = way.wants }
    local fault = elements(item, frame, row)
    if fault then item:add_proto_expert_info(cut and notes.cut or notes.malformed, fault) end
    if not pinfo.visited then call[index] = links.learn(pinfo, way.ends, row, frame.v, not fault) end
    local record, text = call[index] or {}, row[1]
    local info = not fault and row.info(frame.v)
    if info then text = text .. " " .. info end
    if record.event then text = string.format("%s #%.0f", text, record.event) end
    item:append_text(", " .. text)
    if record.problem then item:add_proto_expert_info(notes.order, record.problem) end
    if not fault and row.note then
        local name, why = row.note(frame.v)
        if name then item:add_proto_expert_info(notes[name], why) end
    end
    add_links(item, record, way.wants)
    return text
end

local function dissect(tvb, pinfo, tree)
    local at, total, captured = 0, tvb:reported_len(), tvb:len()
    local way = { ends = links.endpoints(pinfo), wants = looked_at(tree) }
    local call, texts = nil, {}
    while at < captured do
        local rest = total - at
        local size = captured - at >= 4 and tvb(at, 4):uint()
        local c = links.conversation(way.ends)
        local limit = c and c.max_frame or MAX_FRAME
        -- The first bytes of a TLS record are 14 to 17 and 03. Read as a length, they exceed MAX_FRAME.
        local no_frame = size and (size > MAX_FRAME or size > limit and size > 65536)
        local first, array, kind = tvb(0, 1):uint(), 0x91, 0
        if captured >= 6 then array, kind = tvb(4, 1):uint(), tvb(5, 1):uint() end
        local foreign = no_frame or size and (array < 0x91 or array > 0x9f or kind > 0x7f)
        -- The bytes are for another dissector: of another protocol, or a TLS record.
        if at == 0 and (foreign and not c or no_frame and first >= 0x14 and first <= 0x17) then return 0 end
        if (not size or not no_frame and 4 + size > rest) and total == captured and pinfo.can_desegment > 0 then
            pinfo.desegment_offset = at
            pinfo.desegment_len = size and 4 + size - rest or DESEGMENT_ONE_MORE_SEGMENT
            break
        end
        call = call or links.call_of(tvb, pinfo)
        if no_frame or not size then
            local item = tree:add(hub, tvb(at), "Hub Protocol, bytes that are no frame")
            local why = "These bytes do not begin with the length of a frame"
            item:add_proto_expert_info(no_frame and notes.malformed or notes.cut, why)
            texts[#texts + 1], at = "no frame", captured
        else
            local captured_size = math.min(size, captured - at - 4)
            texts[#texts + 1] = show_frame(tvb, at, captured_size, size, pinfo, tree, call, #texts + 1, way)
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
    local known = links.conversation(links.endpoints(pinfo)) ~= nil
    return (known or begins_with_hello(tvb)) and dissect(tvb, pinfo, tree) > 0
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
