-- Learns for hub.lua what belongs together: questions and answers, events and receipts, runs and their events.
-- Wireshark reads a capture once in its order. Only then is something learned. Later it shows single packets in
-- any order, and uses the records of the first time.

local MAX_LINKS = 20 -- A RUN or a GAP names at most this many SUBSCRIBEs.

local conversations -- by both endpoints
local packets -- by number of the packet: the calls of the dissector, each with the records of its frames

local function init() conversations, packets = {}, {} end

local function endpoints(pinfo)
    local from, to = tostring(pinfo.src) .. " " .. pinfo.src_port, tostring(pinfo.dst) .. " " .. pinfo.dst_port
    return { from = from, to = to, key = from < to and from .. " " .. to or to .. " " .. from }
end

-- Returns the SUBSCRIBEs or RESUMEs of the subscriptions that a RUN or a GAP is for.
local function subscribes(c, v)
    local found = {}
    for id in (v.subscription or ""):gmatch("%d+") do
        if #found == MAX_LINKS then break end
        found[#found + 1] = c.subscribed[id]
    end
    return found
end

-- What a frame changes in a conversation, beyond questions and answers.
local EFFECTS = {
    WELCOME = function(c, v)
        c.publish, c.max_frame = tonumber(v["welcome.received"]), tonumber(v["welcome.max_frame"])
    end,
    SUBSCRIBE = function(c, v, record) c.subscribed[v.subscription] = record end,
    RESUME = function(c, v, record) c.subscribed[v.subscription] = record end,
    GAP = function(c, v, record) record.subscribes = subscribes(c, v) end,
    RUN = function(c, v, record)
        c.run, record.first, record.left = record, tonumber(v.first), tonumber(v.count)
        record.subscribes = subscribes(c, v)
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

-- `ends` has the result of `endpoints`.
local function learn(pinfo, ends, row, v, complete)
    local from, to, key = ends.from, ends.to, ends.key
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

local function conversation(ends) return conversations[ends.key] end

return { init = init, endpoints = endpoints, conversation = conversation, learn = learn, call_of = call_of }
