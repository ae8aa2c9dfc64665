-- The head of the library: tenure, epochs and registration. Parts may use:
--   register(name, f)       a function that may write; called by Cluster::write and Cluster::post
--   register_small(name, f) the same, for one that frees memory or takes next to none: it runs though the memory is full
--   register_read(name, f)  a function that only reads; called by Cluster::read
--   epoch(meta)             the epoch of the partition with this meta key, as a string; or nil and the error to answer with, if the epoch has not
--                           been raised under this master's tenure:  local e, refusal = epoch(KEYS[1]); if not e then return refusal end
--   tenure()                the tenure itself: the master's replication id, which changes whenever it came to its data anew
-- The meta hash <prefix>:{tag}:m of each partition has the fields
--   e  the epoch    o  the tenure that it holds for    p  the tenure that it was raised for, before replicas were known to have it    b  beats
-- A function that answers with an error must not have written before.

local replid, read_at_ms, refusing = nil, 0, false

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Role, number of replicas that follow, number of replicas that are linked and have not answered for some seconds. A replica has no tenure: one that
-- becomes a master in the middle of a pipeline begins its own with it.
local function look()
  local info = redis.call('INFO', 'replication')
  local role = string.match(info, 'role:(%w+)')
  replid = role == 'master' and string.match(info, 'master_replid:(%w+)') or nil
  read_at_ms = now_ms()
  local online, silent = 0, 0
  for lag in string.gmatch(info, 'slave%d+:[^\r\n]*state=online[^\r\n]*lag=(%d+)') do
    if tonumber(lag) > 5 then silent = silent + 1 else online = online + 1 end
  end
  return role, online, silent
end

local function look_if_old()
  if not replid or math.abs(now_ms() - read_at_ms) > 100 then look() end
end

local function tenure()
  return replid
end

local function epoch(meta)
  local fields = redis.call('HMGET', meta, 'e', 'o')
  if fields[1] and fields[2] == replid then return fields[1] end
  return nil, redis.error_reply('TENURE the epoch is not of this tenure')
end

-- In a table of one: the client takes a longer one that begins with a word such as "message" for something else. Errors go as they are.
local function wrapped(result)
  if type(result) == 'table' and (result.err or result.ok) then return result end
  return { result }
end

local function register_with(flags, name, f)
  redis.register_function{
    function_name = name .. '_' .. VERSION,
    callback = function(keys, args)
      if refusing then return redis.error_reply('UNREPLICATED no replica follows') end
      look_if_old()
      return wrapped(f(keys, args))
    end,
    flags = flags,
  }
end

local function register(name, f)
  register_with({}, name, f)
end

local function register_small(name, f)
  register_with({ 'allow-oom' }, name, f)
end

local function register_read(name, f)
  redis.register_function{
    function_name = name .. '_' .. VERSION,
    callback = function(keys, args)
      look_if_old()
      return wrapped(f(keys, args))
    end,
    flags = { 'no-writes' },
  }
end

-- The functions of the layer itself. `tenure` is the head of every pipeline, so its flags let it run wherever it is asked.
redis.register_function{
  function_name = 'tenure_' .. VERSION,
  callback = function(_, args)
    local role, online, silent = look()
    refusing = args[1] == '1' and online == 0
    return { { role, online, silent, replid or '' } }
  end,
  flags = { 'no-writes', 'allow-stale' },
}

-- These take next to no memory, and run though it is full: without an epoch that holds nothing can be read either.
local function register_inner(name, f)
  redis.register_function{
    function_name = name .. '_' .. VERSION,
    callback = function(keys, args)
      look_if_old()
      return f(keys, args)
    end,
    flags = { 'allow-oom' },
  }
end

-- Something for WAIT to wait for. Answers when that was, in microseconds.
register_inner('beat', function(keys)
  redis.call('HSET', keys[1], 'b', '1')
  local time = redis.call('TIME')
  return { string.format('%.0f', time[1] * 1000000 + time[2]) }
end)

-- Which libraries were used when: a hash, version -> ms by the clock of this Redis. This one is now, those named are since now if they are not there yet.
-- Answers now, then version and time of each.
register_inner('library_used', function(keys, args)
  local now = string.format('%.0f', now_ms())
  redis.call('HSET', keys[1], VERSION, now)
  for _, version in ipairs(args) do redis.call('HSETNX', keys[1], version, now) end
  local answer = redis.call('HGETALL', keys[1])
  table.insert(answer, 1, now)
  return { answer }
end)

register_inner('library_gone', function(keys, args)
  for _, version in ipairs(args) do redis.call('HDEL', keys[1], version) end
  return { 1 }
end)

-- A partition of this tenure stays as it is; of one that is pending no further one is made, but it is written again, so that this caller's WAIT waits for it.
-- Also without a replica where that is not allowed: readers need the epoch, and nothing is written in it until one follows.
register_inner('raise', function(keys, args)
  local fields = redis.call('HMGET', keys[1], 'e', 'o', 'p')
  local e = tonumber(fields[1]) or 0
  if not fields[1] or (fields[2] ~= replid and fields[3] ~= replid) then
    e = math.max(e + 1, tonumber(args[1]), math.floor(now_ms() / 1000))
  end
  redis.call('HSET', keys[1], 'e', string.format('%d', e), 'p', replid)
  return { e }
end)

register_inner('settle', function(keys, args)
  if replid ~= args[1] or redis.call('HGET', keys[1], 'p') ~= replid then return { 0 } end
  redis.call('HSET', keys[1], 'o', replid)
  return { 1 }
end)

-- The first of these commands that the caller may not use on this key and channel, if any. Filled up with arguments, so that none has too few.
register_read('forbidden', function(keys, args)
  local channel, key = args[1], keys[1]
  if not redis.acl_check_cmd('SPUBLISH', channel, '') then return 'SPUBLISH on channels ' .. channel .. '*' end
  if not redis.acl_check_cmd('SSUBSCRIBE', channel) then return 'SSUBSCRIBE on channels ' .. channel .. '*' end
  for i = 2, #args do
    local name, part = string.match(args[i], '^(%S+) ?(%S*)$')
    local known, allowed
    if part == '' then
      known, allowed = pcall(redis.acl_check_cmd, name, key, key, key, key, key, key)
    else
      known, allowed = pcall(redis.acl_check_cmd, name, part, key)
    end
    if known and not allowed and args[i] ~= 'SPUBLISH' then return args[i] .. ' on keys ' .. key .. '*' end
  end
  return false
end)

register_read('layout_read', function(keys)
  return redis.call('HMGET', keys[1], 'partitions', 'format')
end)

register('layout', function(keys, args)
  redis.call('HSETNX', keys[1], 'partitions', args[1])
  redis.call('HSETNX', keys[1], 'format', args[2])
  return redis.call('HMGET', keys[1], 'partitions', 'format')
end)
