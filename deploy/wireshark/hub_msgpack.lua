-- Reads MessagePack for hub.lua. Every loop either moves forward in the bytes or has a bound of its own, and
-- nothing here raises an error, because a capture may contain any bytes.
-- Positions count from 1, in the string that has the bytes of one frame without its length.

local MAX_DEPTH = 66 -- Values deeper than this are not shown. A hub allows at most 64 levels.
local MAX_TEXT = 300 -- At most this many bytes of a text are shown. Names of topics have at most 255.


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
        if budget.left >= 0 and depth <= MAX_DEPTH then
            text, place = text_of(s, place, budget, depth + 1)
        else
            place = nil
        end
        local of_map = kind == "map" and number % 2 == 0
        parts[#parts + 1] = (number == 1 and "" or of_map and ": " or ", ") .. (text or "…")
        if not place then break end
    end
    local text = table.concat(parts)
    return kind == "map" and "{" .. text .. "}" or "[" .. text .. "]", place
end

return { MAX_DEPTH = MAX_DEPTH, behind = behind, head = head, printable = printable, text_of = text_of, whole = whole }
