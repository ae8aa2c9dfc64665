-- The room log. What the keys hold, and what must always be true of them, stands in docs/redis.md and at the head of redis.rs.
--   r:<room>  hash    n number of the last entry, t its time, e its epoch, b branches "<epoch>:<first n> ..."
--   l:<room>  stream  <epoch>-<n>: t time, e the entry as it was packed
--   d0, d1    hash    id of 16 bytes -> "<epoch>-<n>-<time>"; s in d0: when it began

local NUMBER_MAX = 9007199254740991
local BRANCHES_MAX = 64
-- So often a room looks for entries that are too old or too many bytes, and at each entry from this size on.
local LOOK_EVERY, LOOK_FROM_BYTES = 64, 16384
-- A page is read in such pieces, and ends after the piece with which it has so many bytes.
local PIECE, PAGE_BYTES = 32, 1048576

local function decimal(number)
  return string.format('%.0f', number)
end

-- A number that is stored as text; nil if it is none.
local function whole(text)
  local number = tonumber(text)
  if number and number >= 0 and number <= NUMBER_MAX and number % 1 == 0 then return number end
end

-- Shifted, so that a test need not wait.
local function log_time(shift)
  return now_ms() + tonumber(shift)
end

local function field(entry, name)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
  return nil
end

local function number_of(entry)
  return tonumber(string.match(entry[1], '-(%d+)$'))
end

-- An entry without a time is not ours; it is left to the reader to say so.
local function is_older(entry, than)
  local time = tonumber(field(entry, 't'))
  return time ~= nil and time <= than
end

-- The stream id that entry n has, if it is there.
local function id_of(branches, n)
  local epoch = '0'
  for of, first in string.gmatch(branches, '(%d+):(%d+)') do
    if tonumber(first) > n then break end
    epoch = of
  end
  return epoch .. '-' .. decimal(n)
end

-- The first entry after this number that is not older; nil if there is none. Times rise with numbers, so it is found by halving.
local function first_younger(stream, branches, after, tail, than)
  local low, high, found = after + 1, tail, nil
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', stream, id_of(branches, middle), '+', 'COUNT', 1)[1]
    if not entry then
      high = middle - 1
    elseif is_older(entry, than) then
      low = math.max(middle, number_of(entry)) + 1
    else
      found, high = entry, middle - 1
    end
  end
  return found
end

-- Appending ----------------------------------------------------------------------------------------------------------------------------------

-- Two generations of ids: one that is at least `age` old begins anew as the old one. A key that nobody rotates expires.
local function rotate(young, old, now, age)
  local since = tonumber(redis.call('HGET', young, 's'))
  if since and now < since then
    -- This master's clock is behind that of the one before: ids live somewhat longer.
    redis.call('HSET', young, 's', decimal(now))
    return
  end
  if since and now - since < age then return end
  redis.call('UNLINK', old)
  if since and now - since < 2 * age then redis.call('RENAME', young, old) else redis.call('UNLINK', young) end
  redis.call('HSET', young, 's', decimal(now))
  redis.call('PEXPIRE', young, decimal(math.max(3 * age, 1)))
end

local function open(hash)
  local fields = redis.call('HMGET', hash, 'n', 't', 'e')
  local room = { n = 0, t = 0, e = fields[3] }
  if fields[1] then
    room.n, room.t = whole(fields[1]), whole(fields[2])
    if not (room.n and room.t and room.e) then error('the room is not as it was left') end
  end
  return room
end

-- Notes that the next entry is the first of its epoch. Where the table is full, the two oldest epochs become one, and what was in the older goes.
local function branch(hash, stream, epoch, n)
  local list = {}
  for of, first in string.gmatch(redis.call('HGET', hash, 'b') or '', '(%d+):(%d+)') do
    list[#list + 1] = { of, first }
  end
  list[#list + 1] = { epoch, decimal(n) }
  if #list > BRANCHES_MAX then
    local of, first = list[2][1], list[2][2]
    redis.call('XTRIM', stream, 'MINID', '=', of .. '-' .. first)
    list[2][2] = list[1][2]
    table.remove(list, 1)
  end
  for i = 1, #list do list[i] = list[i][1] .. ':' .. list[i][2] end
  redis.call('HSET', hash, 'b', table.concat(list, ' '))
end

-- Retention by age and by bytes, both in whole nodes of the stream. All nodes are measured: a few of them say nothing of entries of other sizes.
local function trim(hash, stream, tail, now, age, bytes)
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if is_older(oldest, now - age) then
    local branches = redis.call('HGET', hash, 'b')
    local younger = first_younger(stream, branches, number_of(oldest), tail, now - age)
    if younger then redis.call('XTRIM', stream, 'MINID', '~', younger[1]) end
  end
  local used = redis.call('MEMORY', 'USAGE', stream, 'SAMPLES', 0)
  if used > bytes then
    local kept = math.floor(redis.call('XLEN', stream) * bytes / used)
    redis.call('XTRIM', stream, 'MAXLEN', '~', decimal(math.max(kept, 1)))
  end
end

-- Makes the next entry of a room. Returns it as it is remembered.
local function push(room, terms, packed)
  local now, n, stream = math.max(terms.now, room.t), room.n + 1, room.stream
  local place, time = terms.epoch .. '-' .. decimal(n), decimal(now)
  -- If anything is wrong with the stream this fails, and nothing has been written yet.
  redis.call('XADD', stream, 'MAXLEN', '~', terms.entries, place, 't', time, 'e', packed)
  if room.e ~= terms.epoch then branch(room.hash, stream, terms.epoch, n) end
  -- The expiry of a stream is moved on in steps, of an eighth of the age.
  local step = terms.age / 8
  if n == 1 or math.floor(now / step) ~= math.floor(room.t / step) then
    redis.call('PEXPIRE', stream, decimal(math.max(terms.age + step, 1)))
  end
  if n % LOOK_EVERY == 0 or #packed >= LOOK_FROM_BYTES then
    room.look = true
  end
  room.n, room.t, room.e, room.changed = n, now, terms.epoch, true
  -- The entry stands whether or not anybody is told.
  redis.pcall('SPUBLISH', room.channel, 'e' .. place .. ' ' .. time .. ' ' .. packed)
  return place .. '-' .. time
end

-- KEYS: meta, d0, d1, then hash and stream of each room.
-- ARGV: shift, entries, age, bytes, age of ids, most ids, number of rooms, the channel of each; then for each append: room, id, packed entry.
-- Answers each append with a letter and what belongs to it: a(ppended) and d(uplicate) with "<epoch>-<n>-<time>", i(ds) and n(umbers) are full,
-- c(orrupt) with what is wrong.
register('room_append', function(keys, args)
  local epoch, refusal = epoch(keys[1])
  if not epoch then return refusal end
  local young, old = keys[2], keys[3]
  local terms = { epoch = epoch, now = log_time(args[1]), entries = args[2], age = tonumber(args[3]) }
  local bytes, ids_max, rooms_count = tonumber(args[4]), tonumber(args[6]), tonumber(args[7])
  -- What is wrong with a key is found before anything is written.
  redis.call('HLEN', old)
  rotate(young, old, terms.now, tonumber(args[5]))
  local ids = redis.call('HLEN', young) - 1
  local rooms, fresh, news, answers = {}, {}, {}, {}
  for at = 8 + rooms_count, #args, 3 do
    local index, id = tonumber(args[at]), args[at + 1]
    local seen, generation = fresh[id], young
    if not seen then
      seen = redis.call('HGET', young, id)
      if not seen then
        seen, generation = redis.call('HGET', old, id), old
      end
      -- A hit writes, so that the WAIT which follows speaks of it.
      if seen then redis.call('HSET', generation, id, seen) end
    end
    local answer
    if seen then
      answer = 'd' .. seen
    elseif ids + #news / 2 >= ids_max then
      answer = 'i'
    else
      local done, place = pcall(function()
        local room = rooms[index]
        if not room then
          room = open(keys[2 + 2 * index])
          room.hash, room.stream, room.channel = keys[2 + 2 * index], keys[3 + 2 * index], args[7 + index]
          rooms[index] = room
        end
        return room.n < NUMBER_MAX and push(room, terms, args[at + 2])
      end)
      if not done then
        answer = 'c' .. tostring(type(place) == 'table' and place.err or place)
      elseif not place then
        answer = 'n'
      else
        answer = 'a' .. place
        fresh[id] = place
        news[#news + 1], news[#news + 2] = id, place
      end
    end
    answers[#answers + 1] = answer
  end
  if #news > 0 then redis.call('HSET', young, unpack(news)) end
  for _, room in pairs(rooms) do
    if room.changed then
      redis.call('HSET', room.hash, 'n', decimal(room.n), 't', decimal(room.t), 'e', room.e)
      -- What was appended stands, whatever hinders that: another look follows.
      if room.look then pcall(trim, room.hash, room.stream, room.n, terms.now, terms.age, bytes) end
    end
  end
  return answers
end)

-- Reading ------------------------------------------------------------------------------------------------------------------------------------

-- Calls `more(from, count)` for piece after piece until it has `limit` entries or enough bytes; the pieces go into `entries`. An entry for which
-- `ends` is true ends the page before it. Returns whether it was cut by its bytes.
local function pages(entries, limit, ends, more)
  local bytes, from = 0, nil
  while #entries < limit do
    local count = math.min(limit - #entries, PIECE)
    local piece = more(from, count)
    for _, entry in ipairs(piece) do
      if ends(entry) then return false end
      entries[#entries + 1] = entry
      bytes = bytes + #(field(entry, 'e') or '')
      from = entry[1]
    end
    if #piece < count then return false end
    if bytes >= PAGE_BYTES then return #entries < limit end
  end
  return false
end

-- KEYS: meta, hash, stream.  ARGV: shift, age, after, limit.
-- Answers {epoch, n, branches, floor, entries}: the entries after number `after`, and the number before the first one after it that can be had.
register_read('room_read', function(keys, args)
  local epoch, refusal = epoch(keys[1])
  if not epoch then return refusal end
  local hash, stream, after, limit = keys[2], keys[3], tonumber(args[3]), tonumber(args[4])
  local fields = redis.call('HMGET', hash, 'n', 'b')
  local tail, branches, entries = whole(fields[1] or '0'), fields[2] or '', {}
  if not tail then return redis.error_reply('CORRUPT the number of a room is none') end
  if after >= tail then return { epoch, decimal(tail), branches, decimal(tail), entries } end
  local than = log_time(args[1]) - tonumber(args[2])
  local first = redis.call('XRANGE', stream, id_of(branches, after + 1), '+', 'COUNT', 1)[1]
  if first and is_older(first, than) then first = first_younger(stream, branches, after, tail, than) end
  if not first then return { epoch, decimal(tail), branches, decimal(tail), entries } end
  pages(entries, limit, function() return false end, function(from, count)
    return redis.call('XRANGE', stream, from and '(' .. from or first[1], '+', 'COUNT', count)
  end)
  return { epoch, decimal(tail), branches, decimal(number_of(first) - 1), entries }
end)

-- KEYS: meta, hash, stream.  ARGV: shift, age, before, limit.
-- Answers {branches, more, entries}: the newest entries with a number below `before`, newest first, and whether there are older ones.
register_read('room_read_before', function(keys, args)
  local epoch, refusal = epoch(keys[1])
  if not epoch then return refusal end
  local stream, limit = keys[3], tonumber(args[4])
  local fields = redis.call('HMGET', keys[2], 'n', 'b')
  local tail, branches, entries = whole(fields[1] or '0'), fields[2] or '', {}
  if not tail then return redis.error_reply('CORRUPT the number of a room is none') end
  local last, than = math.min(tail, tonumber(args[3]) - 1), log_time(args[1]) - tonumber(args[2])
  if last < 1 then return { branches, 0, entries } end
  local cut = pages(entries, limit + 1, function(entry) return is_older(entry, than) end, function(from, count)
    return redis.call('XREVRANGE', stream, from and '(' .. from or id_of(branches, last), '-', 'COUNT', count)
  end)
  local more = cut or #entries > limit
  if #entries > limit then entries[#entries] = nil end
  return { branches, more and 1 or 0, entries }
end)

-- KEYS: meta, the hash of each room.  Answers the epoch, then the number of each room's last entry.
register_read('room_tails', function(keys)
  local epoch, refusal = epoch(keys[1])
  if not epoch then return refusal end
  local answers = { epoch }
  for i = 2, #keys do
    local tail = redis.pcall('HGET', keys[i], 'n')
    if type(tail) == 'table' then tail = tail.err end
    answers[i] = tail or '0'
  end
  return answers
end)
