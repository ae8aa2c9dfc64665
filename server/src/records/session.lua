-- The records of sessions: what chat_session::Record does, on one packed value a session.
--
-- A record is one string under KEYS[1], so that an idle session costs one small key. It holds a list, packed by cmsgpack: the fields below, then
-- five elements a room (name, join number, epoch, n, 1 where the room is private). Each call names what it expects (fence, next join number, fence that was seen), so that the same call
-- once more, or one that comes late, changes nothing. What changes nothing is written all the same: a WAIT on a connection that wrote nothing
-- confirms nothing.
--
-- Every function answers a list whose first element says how it went: 'ok', 'gone', 'fenced', 'other', 'moved', 'foreign'.

local FORMAT = 2
local FENCE, JOINS, MARK, OWNER, ID, NAME, GUEST, ROOMS = 2, 3, 4, 5, 6, 7, 8, 9
local STRIDE = 5

local function is_record(value)
  if type(value) ~= 'table' or value[1] ~= FORMAT or #value < ROOMS - 1 or (#value - ROOMS + 1) % STRIDE ~= 0 then return false end
  for _, field in ipairs({ FENCE, JOINS, GUEST }) do
    if type(value[field]) ~= 'number' then return false end
  end
  for _, field in ipairs({ MARK, OWNER, ID, NAME }) do
    if type(value[field]) ~= 'string' then return false end
  end
  for at = ROOMS, #value, STRIDE do
    if type(value[at]) ~= 'string' then return false end
    for field = at + 1, at + STRIDE - 1 do
      if type(value[field]) ~= 'number' then return false end
    end
  end
  return true
end

-- What the build before this one wrote: four elements a room, which said nothing of privacy.
local function of_first_format(value)
  if type(value) ~= 'table' or value[1] ~= 1 or #value < ROOMS - 1 or (#value - ROOMS + 1) % 4 ~= 0 then return value end
  local record = { FORMAT, unpack(value, 2, ROOMS - 1) }
  for at = ROOMS, #value, 4 do
    for field = at, at + 3 do record[#record + 1] = value[field] end
    record[#record + 1] = 0
  end
  return record
end

-- The record under a key; else nothing, and why.
local function load_record(key)
  local packed = redis.pcall('GET', key)
  if packed == false then return nil, 'gone' end
  if type(packed) ~= 'string' then return nil, 'foreign' end
  local whole, record = pcall(cmsgpack.unpack, packed)
  if whole then record = of_first_format(record) end
  if whole and is_record(record) then return record, 'ok' end
  return nil, 'foreign'
end

-- The record under a key, if this fence still holds.
local function owned_record(key, fence)
  local record, status = load_record(key)
  if record and record[FENCE] ~= fence then return nil, 'fenced' end
  return record, status
end

local function save_record(key, record)
  redis.call('SET', key, cmsgpack.pack(record), 'KEEPTTL')
end

local function save_record_for(key, record, expiry)
  redis.call('SET', key, cmsgpack.pack(record), 'PX', expiry)
end

-- Where a room of a record begins whose element at `offset` is `value`.
local function room_at(record, offset, value)
  for at = ROOMS, #record, STRIDE do
    if record[at + offset] == value then return at end
  end
  return nil
end

local function shown(record)
  return { 'ok', record[ID], record[NAME], record[GUEST], record[FENCE], record[OWNER] }
end

-- A list of numbers from arguments; nothing if one is none.
local function numbers(args, first, last)
  local list = {}
  for place = first, last do
    list[#list + 1] = assert(tonumber(args[place]), 'a number is expected')
  end
  return unpack(list)
end

-- Begins a record. args: expiry, mark, owner, user's id, name, guest
register('session_create', function(keys, args)
  local record, status = load_record(keys[1])
  if status == 'foreign' then return { status } end
  if record then
    if record[FENCE] ~= 1 or record[MARK] ~= args[2] then return { 'fenced' } end
    redis.call('PEXPIRE', keys[1], args[1])
    return { 'ok' }
  end
  save_record_for(keys[1], { FORMAT, 1, 0, args[2], args[3], args[4], args[5], tonumber(args[6]) }, args[1])
  return { 'ok' }
end)

-- Whose session it is.
register_read('session_find', function(keys)
  local record, status = load_record(keys[1])
  if not record then return { status } end
  return shown(record)
end)

-- The same, so that a WAIT tells whether this is the master. keys: the record, a mark of the partition
register('session_confirm', function(keys)
  redis.call('SET', keys[2], '1', 'PX', 1000)
  local record, status = load_record(keys[1])
  if not record then return { status } end
  return shown(record)
end)

-- Gives the session to a new owner. keys: the record, a mark of the partition; args: expiry, mark, owner, user's id, name, the fence that was seen
register('session_take', function(keys, args)
  local expiry, seen = numbers({ args[1], args[6] }, 1, 2)
  local record, status = load_record(keys[1])
  if not record then
    redis.call('SET', keys[2], '1', 'PX', 1000)
    return { status }
  end
  if record[ID] ~= args[4] then return { 'other' } end
  if record[FENCE] == seen then
    record[FENCE], record[MARK], record[OWNER], record[NAME] = seen + 1, args[2], args[3], args[5]
  elseif record[FENCE] ~= seen + 1 or record[MARK] ~= args[2] then
    -- Not this very call, tried once more: somebody else was faster.
    return { 'moved', record[FENCE] }
  end
  save_record_for(keys[1], record, expiry)
  local answer = { 'ok', record[FENCE], record[JOINS] }
  for at = ROOMS, #record do answer[#answer + 1] = record[at] end
  return answer
end)

-- Begins a stay. args: fence, the number that it gets, room, epoch, n, whether the room is private
register('session_join', function(keys, args)
  local fence, number, epoch, n, private = numbers({ args[1], args[2], args[4], args[5], args[6] }, 1, 5)
  local record, status = owned_record(keys[1], fence)
  if not record then return { status } end
  -- An owner that knows of more joins than the record: what was confirmed is lost.
  if record[JOINS] < number - 1 then return { 'gone' } end
  if record[JOINS] == number - 1 then
    local at = room_at(record, 0, args[3]) or #record + 1
    record[JOINS] = number
    record[at], record[at + 1], record[at + 2], record[at + 3], record[at + 4] = args[3], number, epoch, n, private
  end
  save_record(keys[1], record)
  return { 'ok' }
end)

-- Ends a stay. args: fence, join number
register_small('session_leave', function(keys, args)
  local fence, number = numbers(args, 1, 2)
  local record, status = owned_record(keys[1], fence)
  if not record then return { status } end
  local at = room_at(record, 1, number)
  if at then
    for _ = 1, STRIDE do table.remove(record, at) end
  end
  save_record(keys[1], record)
  return { 'ok' }
end)

-- Raises positions. args: fence, then join number, epoch, n of each
register('session_checkpoint', function(keys, args)
  local record, status = owned_record(keys[1], numbers(args, 1, 1))
  if not record then return { status } end
  for place = 2, #args, 3 do
    local number, epoch, n = numbers(args, place, place + 2)
    local at = room_at(record, 1, number)
    if at and (epoch > record[at + 2] or (epoch == record[at + 2] and n > record[at + 3])) then
      record[at + 2], record[at + 3] = epoch, n
    end
  end
  save_record(keys[1], record)
  return { 'ok' }
end)

-- Keeps records for their owners. keys: records; args: expiry, then the fence of each. Answers how each went
register('session_renew', function(keys, args)
  local answer = {}
  for place, key in ipairs(keys) do
    local record, status = owned_record(key, numbers(args, place + 1, place + 1))
    if record then redis.call('PEXPIRE', key, args[1]) end
    answer[place] = status
  end
  return answer
end)

-- The connection is over: the whole time is left from now on. args: expiry, fence
register('session_release', function(keys, args)
  local record, status = owned_record(keys[1], numbers(args, 2, 2))
  if not record then return { status } end
  record[OWNER] = ''
  save_record_for(keys[1], record, args[1])
  return { 'ok' }
end)

-- The client has ended the session for good. args: fence
register_small('session_delete', function(keys, args)
  local record, status = owned_record(keys[1], numbers(args, 1, 1))
  if not record then return { status } end
  redis.call('DEL', keys[1])
  return { 'ok' }
end)
