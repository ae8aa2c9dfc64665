-- Rooms beside their logs: what a room is, its members, receipts, the public rooms of a partition, the private rooms of a user.
--
-- Keys of a room, all in its slot:
--   meta      a hash: f format, t title, s visibility, b who made it, a when, v version of the members, k the mark of the call that made this version
--   members   a hash: user's id -> letter of the role, then the name
--   receipts  a hash: user's id -> <epoch>-<n>
-- Keys of a partition: index, a sorted set of <room> NUL <title> by the time at which the room was made (names hold no control characters).
-- Keys of a user, in the user's partition: rooms, a set of names.
--
-- What a call expects it names (version, mark), so that the same call once more, or one that comes late, changes nothing.

local FORMAT = '1'

-- The hash under a key as a table of these fields; else nothing, and why.
local function load_meta(key)
  local values = redis.pcall('HMGET', key, 'f', 't', 's', 'b', 'a', 'v', 'k')
  if values.err then return nil, 'foreign' end
  if not values[1] then
    if redis.call('EXISTS', key) == 1 then return nil, 'foreign' end
    return nil, 'none'
  end
  for place = 1, 7 do
    if not values[place] then return nil, 'foreign' end
  end
  if values[1] ~= FORMAT or not tonumber(values[6]) then return nil, 'foreign' end
  return { title = values[2], visibility = values[3], by = values[4], at = values[5], version = tonumber(values[6]), mark = values[7] }, 'ok'
end

-- keys: meta, members, index; args: mark, title, visibility, by, at, most public rooms of the partition, room, then id and value of each member
register('room_create', function(keys, args)
  local meta, status = load_meta(keys[1])
  if status == 'foreign' then return { status } end
  if meta then
    -- Written once more, so that a WAIT confirms what is there.
    redis.call('HSET', keys[1], 'f', FORMAT)
    if meta.version == 0 and meta.mark == args[1] then return { 'ok' } end
    return { 'exists' }
  end
  if args[3] == 'public' then
    if redis.call('ZCARD', keys[3]) >= tonumber(args[6]) then return { 'full' } end
    redis.call('ZADD', keys[3], args[5], args[7] .. '\0' .. args[2])
  end
  redis.call('DEL', keys[2])
  for place = 8, #args, 2 do redis.call('HSET', keys[2], args[place], args[place + 1]) end
  redis.call('HSET', keys[1], 'f', FORMAT, 't', args[2], 's', args[3], 'b', args[4], 'a', args[5], 'v', 0, 'k', args[1])
  return { 'ok' }
end)

-- keys: meta, members, receipts; args: users. Answers what the room is, the receipt of the first user, the value of each
register_read('room_access', function(keys, args)
  local meta, status = load_meta(keys[1])
  if not meta then return { status } end
  local receipt = args[1] and redis.pcall('HGET', keys[3], args[1])
  if type(receipt) ~= 'string' then receipt = '' end
  local answer = { 'ok', meta.title, meta.visibility, meta.by, meta.at, meta.version, receipt }
  for _, user in ipairs(args) do
    local value = redis.pcall('HGET', keys[2], user)
    answer[#answer + 1] = type(value) == 'string' and value or ''
  end
  return answer
end)

-- keys: members. Answers id and value of each
register_read('room_members', function(keys)
  local members = redis.pcall('HGETALL', keys[1])
  if members.err then return { 'foreign' } end
  table.insert(members, 1, 'ok')
  return members
end)

-- keys: meta, members; args: version, mark, user, value or '', most members
register('room_change', function(keys, args)
  local meta, status = load_meta(keys[1])
  if not meta then return { status } end
  local seen = tonumber(args[1])
  if meta.version == seen + 1 and meta.mark == args[2] then
    redis.call('HSET', keys[1], 'v', meta.version)
    return { 'ok' }
  end
  if meta.version ~= seen then return { 'moved' } end
  if args[4] == '' then
    redis.call('HDEL', keys[2], args[3])
  else
    local is_new = redis.call('HEXISTS', keys[2], args[3]) == 0
    if is_new and redis.call('HLEN', keys[2]) >= tonumber(args[5]) then return { 'full' } end
    redis.call('HSET', keys[2], args[3], args[4])
  end
  redis.call('HSET', keys[1], 'v', seen + 1, 'k', args[2])
  return { 'ok' }
end)

local function parse_receipt(text)
  local epoch, n = string.match(text, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(n)
end

-- keys: receipts; args: user, position, most receipts
register('room_receipt', function(keys, args)
  local now = redis.call('HGET', keys[1], args[1])
  if now then
    local epoch, n = parse_receipt(args[2])
    local old_epoch, old_n = parse_receipt(now)
    if old_epoch and (old_epoch > epoch or (old_epoch == epoch and old_n >= n)) then return { 'ok' } end
  elseif redis.call('HLEN', keys[1]) >= tonumber(args[3]) then
    return { 'full' }
  end
  redis.call('HSET', keys[1], args[1], args[2])
  return { 'ok' }
end)

-- keys: receipts of several rooms; args: user
register_read('room_receipts', function(keys, args)
  local answer = {}
  for place, key in ipairs(keys) do
    local receipt = redis.pcall('HGET', key, args[1])
    answer[place] = type(receipt) == 'string' and receipt or ''
  end
  return answer
end)

-- keys: index; args: most rooms. Answers member and score of each, the newest first
register_read('room_public', function(keys, args)
  local rooms = redis.pcall('ZRANGE', keys[1], 0, args[1] - 1, 'REV', 'WITHSCORES')
  if rooms.err then return { 'foreign' } end
  table.insert(rooms, 1, 'ok')
  return rooms
end)

-- keys: rooms of a user; args: room, most rooms
register('user_enter', function(keys, args)
  if redis.call('SISMEMBER', keys[1], args[1]) == 0 and redis.call('SCARD', keys[1]) >= tonumber(args[2]) then return { 'full' } end
  redis.call('SADD', keys[1], args[1])
  return { 'ok' }
end)

-- keys: rooms of a user; args: room
register('user_exit', function(keys, args)
  redis.call('SREM', keys[1], args[1])
  return { 'ok' }
end)

-- keys: rooms of a user
register_read('user_rooms', function(keys)
  local rooms = redis.pcall('SMEMBERS', keys[1])
  if rooms.err then return { 'foreign' } end
  table.insert(rooms, 1, 'ok')
  return rooms
end)
