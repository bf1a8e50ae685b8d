import { GLOBALS, type LuaState } from './lua-state.ts';

/** Where the parts that each run needs stay on the stack. */
export const HANDLER = 1;
export const VARIABLES = 2;

/*
 * As in Redis, a script sees no variable of another: it can set none, nor change a library. What is not there: files,
 * the clock, random numbers, coroutines, cjson, cmsgpack and bit. The handler finds where an error was raised, as that of Redis.
 */
const PRELUDE = `
local redis, struct = ...
local getinfo, guards, setRaw = debug.getinfo, {}, rawset

local function guarded(known)
  local guard = {}
  guards[guard] = true
  return setmetatable(guard, {
    __index = known, __metatable = false,
    __newindex = function() error('Attempt to modify a readonly table', 2) end,
  })
end

local function handler(raised)
  local at = getinfo(2, 'Sl')
  if at and at.what == 'C' then
    at = getinfo(3, 'Sl')
  end
  if type(raised) ~= 'table' then
    raised = { err = 'ERR ' .. tostring(raised) }
  end
  if at then
    raised.source, raised.line = at.source, at.currentline
  end
  return raised
end

local variables = { KEYS = {}, ARGV = {} }
for _, name in ipairs({ '_VERSION', 'assert', 'error', 'getmetatable', 'ipairs', 'load', 'loadstring', 'next', 'pairs', 'pcall',
  'rawequal', 'rawget', 'select', 'setmetatable', 'tonumber', 'tostring', 'type', 'unpack', 'xpcall' }) do
  variables[name] = _G[name]
end
function variables.rawset(to, name, value)
  if guards[to] then
    error('Attempt to modify a readonly table', 2)
  end
  return setRaw(to, name, value)
end
local insert = table.insert
function table.insert(to, ...)
  if guards[to] then
    error('Attempt to modify a readonly table', 2)
  end
  return insert(to, ...)
end
math.random, math.randomseed = nil, nil
for name, library in pairs({ string = string, table = table, math = math, redis = redis, struct = struct }) do
  variables[name] = guarded(library)
end
variables._G = guarded(variables)
getmetatable('').__metatable = guarded({ __index = variables.string })
setmetatable(variables, { __index = function(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end })
return handler, variables, variables._G
`;

/** Takes the libraries redis and struct from the stack, and leaves the handler and the variables there. */
export function encloseScripts(state: LuaState): void {
  const { lua, L } = state;
  const problem = state.load(PRELUDE, '=prelude');
  if (problem !== undefined) throw new Error(problem);
  for (const library of [1, 2]) lua.lua_pushvalue(L, library);
  if (lua.lua_pcall(L, 2, 3, 0) !== 0) throw new Error(state.toBytes(-1));
  lua.lua_replace(L, GLOBALS);
  lua.lua_replace(L, VARIABLES);
  lua.lua_replace(L, HANDLER);
}
