-- What the page and the print show differently. On the page programs are folded away where they belong, numbers say which
-- file they are from and which line made it, films can be moved through, and files of numbers are links to save them. In
-- print programs are an appendix.

local is_page = FORMAT:match("html") ~= nil
-- The size of the text on a sheet, height over width, less room for a caption.
local tallest = 1.3
-- The width of that text in inches, and how many pixels an inch has at least, so that small pictures keep their size.
local text_width, density = 6.69, 216
-- Where `make paper` draws curves as curves.
local drawings = ".build/paper/drawings"

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local content = file:read("a")
  file:close()
  return content
end

local pictures

local function find_pictures(meta)
  pictures = pandoc.utils.stringify(meta.pictures)
end

-- The smaller copy of a picture, if there is one; in print no taller than a sheet and no coarser than others.
local function image(element)
  local copy = pictures .. "/" .. pandoc.path.filename(element.src):gsub("%.png$", ".jpg")
  if not is_page then
    local size = pandoc.image.size(read(element.src))
    local width = math.min(1, tallest * size.width / size.height, size.width / (density * text_width))
    element.attributes.width = math.floor(100 * width) .. "%"
    local drawing = drawings .. "/" .. pandoc.path.filename(element.src):gsub("%.png$", ".pdf")
    if exists(drawing) then
      element.src = "/" .. drawing
      return element
    end
  end
  if is_page then element.attributes["data-picture"] = element.src end
  if exists(copy) then element.src = copy end
  -- Typst takes a path from the file it stands in, or from the root with a slash.
  if not is_page then element.src = "/" .. element.src end
  return element
end

-- A wide picture may be scrolled on a narrow screen, its caption not.
local function figure(element)
  if is_page then element.content = { pandoc.Div(element.content, { class = "scroll" }) } end
  return element
end

local function link(element)
  if element.classes:includes("drawn") and is_page then
    element.attributes["data-picture"], element.attributes.picture = element.attributes.picture, nil
    return element
  end
  if not element.classes:includes("data") then return nil end
  if not is_page then return element.content end
  local mime = element.target:match("%.csv$") and "text/csv" or "application/json"
  local name = pandoc.path.filename(element.target)
  element.target = pandoc.mediabag.make_data_uri(mime, read(element.target))
  element.attributes.download = name
  return element
end

-- A number of a result file. Its link leads to the line of the program; the page's script shows the rest.
local function quoted(element)
  if not element.classes:includes("quoted") then return nil end
  if not is_page then return element.content end
  local from = element.attributes
  local target = from.anchor and "#" .. from.anchor or ""
  local origin = from.program and (", by " .. from.program .. ", line " .. from.line) or ""
  local attributes = { ["data-file"] = from.file, ["data-path"] = from.path, ["data-exact"] = from.exact,
    ["data-program"] = from.program, ["data-line"] = from.line }
  return pandoc.Link(element.content, target, from.path .. " in " .. from.file .. origin,
    pandoc.Attr("", { "quoted" }, attributes))
end

-- A film is its sheet and its description, which the page's script makes a player of.
local function film(element)
  if not element.classes:includes("film") then return nil end
  if not is_page then return {} end
  local sheet = pandoc.Image({ pandoc.Str("frames") }, element.attributes.sheet)
  local copy = pictures .. "/" .. pandoc.path.filename(sheet.src):gsub("%.png$", ".jpg")
  if exists(copy) then sheet.src = copy end
  return pandoc.Blocks({
    pandoc.RawBlock("html", '<figure class="film"><script type="application/json">' ..
      read(element.attributes.description):gsub("</", "<\\/") .. "</script>"),
    pandoc.Plain({ sheet }),
    pandoc.RawBlock("html", "</figure>"),
  })
end

-- What a cell printed stays in print; what it drew is there already.
local function output(element)
  if not element.classes:includes("output") or is_page then return nil end
  return element.content:filter(function(block) return block.t == "CodeBlock" end)
end

-- Inlines as the argument of a Typst function.
local function set_by(call, inlines)
  local set = pandoc.Inlines({ pandoc.RawInline("typst", "#" .. call .. "[") })
  set:extend(inlines)
  set:insert(pandoc.RawInline("typst", "]"))
  return set
end

-- Tables of scores. A row with one cell is a heading, published figures stand in italics under the measured ones, and what
-- follows a value in brackets, its interval, in small type.
local function small(inlines)
  if is_page then return pandoc.Inlines({ pandoc.Span(inlines, { class = "note" }) }) end
  return set_by("text(size: 6pt)", inlines)
end

-- An interval stays together; the number of images behind it, where it is less than in other cells, has a line of its own.
local function unbroken(content)
  local closed = false
  return content:map(function(inline)
    local space = closed and pandoc.LineBreak() or pandoc.Str("\u{a0}")
    closed = inline.t == "Str" and inline.text:match("%],$") ~= nil
    return inline.t == "Space" and space or inline
  end)
end

local function stacked(content)
  local value, note = pandoc.Inlines({}), pandoc.Inlines({})
  for _, inline in ipairs(content) do
    local starts = inline.t == "Str" and inline.text:sub(1, 1) == "["
    if #note > 0 or starts then note:insert(inline) else value:insert(inline) end
  end
  if #note == 0 or #value == 0 then return content end
  if value[#value].t == "Space" then value:remove(#value) end
  value:insert(pandoc.LineBreak())
  value:extend(small(unbroken(note)))
  return value
end

local function inlines(cell) return cell.contents[1] and cell.contents[1].content or pandoc.Inlines({}) end

local function scores(element)
  local columns, below = {}, {}
  for index, cell in ipairs(element.head.rows[1].cells) do
    local title = pandoc.utils.stringify(cell.contents)
    local own = title:match("^Published (.*)")
    if own and columns[own] then below[columns[own]] = index else columns[title] = index end
  end
  local removed = {}
  for _, index in pairs(below) do removed[index] = true end
  local function kept(cells)
    local list = pandoc.List({})
    for index, cell in ipairs(cells) do
      if not removed[index] then list:insert(cell) end
    end
    return list
  end
  for _, body in ipairs(element.bodies) do
    for _, row in ipairs(body.body) do
      local filled = row.cells:filter(function(cell) return #inlines(cell) > 0 end)
      local cells = kept(row.cells)
      if #filled == 1 and #inlines(row.cells[1]) > 0 then
        cells = pandoc.List({ cells[1] })
        cells[1].col_span = #kept(element.colspecs)
      else
        for index, cell in ipairs(row.cells) do
          if not removed[index] and #inlines(cell) > 0 then
            local content = stacked(inlines(cell))
            local other = below[index] and inlines(row.cells[below[index]]) or {}
            if #other > 0 then
              content:insert(pandoc.LineBreak())
              content:extend(small(stacked(pandoc.Inlines(other))))
            end
            cell.contents = { pandoc.Plain(content) }
          end
        end
      end
      row.cells = cells
    end
  end
  element.head.rows[1].cells = kept(element.head.rows[1].cells)
  element.colspecs = kept(element.colspecs)
  return element, next(below) ~= nil
end

-- The length of the longest line of a cell, in points of the sizes that tables of scores have.
local function length(cell)
  local longest, line, note = 0, 0, false
  for _, inline in ipairs(inlines(cell)) do
    if inline.t == "LineBreak" then
      line, note = 0, true
    elseif inline.t ~= "RawInline" then
      line = line + utf8.len(pandoc.utils.stringify(inline)) * (note and 3.1 or 3.9)
    end
    longest = math.max(longest, line)
  end
  return longest
end

-- In print a table of several networks is one table for each, none of which a page's end cuts. Their columns have the same
-- widths, and the caption stands above the first.
local function parted(element)
  local parts, widths = pandoc.List({}), {}
  for _, body in ipairs(element.bodies) do
    for _, row in ipairs(body.body) do
      if #parts == 0 or row.cells[1].col_span > 1 then parts:insert(pandoc.List({})) end
      parts[#parts]:insert(row)
    end
  end
  if #parts < 2 then return element end
  local function measure(row)
    if #row.cells < #element.colspecs then return end
    for index, cell in ipairs(row.cells) do widths[index] = math.max(widths[index] or 0, length(cell) + 8) end
  end
  measure(element.head.rows[1])
  for _, part in ipairs(parts) do part:map(measure) end
  local all = 0
  for _, width in ipairs(widths) do all = all + width end
  local sheet = math.max(72 * text_width, all)
  local tables = pandoc.Blocks({})
  for place, part in ipairs(parts) do
    local copy = element:clone()
    local body = copy.bodies[1]
    body.body = part
    copy.bodies = { body }
    copy.colspecs = element.colspecs:map(function(spec) return spec end)
    for index, width in ipairs(widths) do copy.colspecs[index] = { element.colspecs[index][1], width / sheet } end
    if place > 1 then copy.caption = { long = {} } end
    tables:insert(copy)
  end
  return tables
end

local function result(element)
  if not element.classes:includes("result") then return nil end
  local is_compared = false
  element = element:walk({
    Table = function(inner)
      local made, compared = scores(inner)
      is_compared = is_compared or compared
      return is_page and made or parted(made)
    end,
  })
  local notes = element.content:filter(function(block) return block.t == "Para" end)
  if is_compared then notes:insert(pandoc.Para({ pandoc.Emph("In italics: as published.") })) end
  local tables = element.content:filter(function(block) return block.t ~= "Para" end)
  for _, note in ipairs(notes) do
    tables:insert(pandoc.Para(is_page and { pandoc.Span(note.content, { class = "note" }) } or {
      pandoc.RawInline("typst", "#text(size: 8pt)["), pandoc.Span(note.content), pandoc.RawInline("typst", "]") }))
  end
  element.content = tables
  if is_page then return element end
  element.content:insert(1, pandoc.RawBlock("typst", "#scores["))
  element.content:insert(pandoc.RawBlock("typst", "]"))
  return element.content
end

-- How a result was made, in small type.
local function made(element)
  if not element.classes:includes("made") or is_page then return nil end
  return set_by("made", element.content)
end

-- Lines have numbers on the page, which links lead to.
local function code(element)
  if is_page then return nil end
  return pandoc.CodeBlock(element.text, { class = element.classes[1] })
end

local programs = pandoc.Blocks({})

local function program(element)
  if not element.classes:includes("program") then return nil end
  local label, file = element.attributes.label, element.attributes.file
  if is_page then
    local summary = pandoc.Plain({ pandoc.Str("The program, "), pandoc.Code(file) })
    local blocks = pandoc.Blocks({ pandoc.RawBlock("html", '<details class="program" id="' .. element.identifier .. '"><summary>') })
    blocks:insert(summary)
    blocks:insert(pandoc.RawBlock("html", "</summary>"))
    blocks:extend(element.content)
    blocks:insert(pandoc.RawBlock("html", "</details>"))
    return blocks
  end
  programs:insert(pandoc.Header(2, { pandoc.Str(label .. ": "), pandoc.Code(file) }, { id = element.identifier }))
  programs:extend(element.content)
  return pandoc.Para({ pandoc.Str("The program is in the appendix, "),
    pandoc.Link({ pandoc.Code(file) }, "#" .. element.identifier), pandoc.Str(".") })
end

-- The appendix stands at its place in the document, after the references.
local function appendix(element)
  if element.identifier ~= "programs" then return nil end
  if is_page then return {} end
  local blocks = pandoc.Blocks({ pandoc.RawBlock("typst", "#show: programs"), pandoc.Header(1, "Programs", { class = "unnumbered" }) })
  blocks:extend(programs)
  return blocks
end

return {
  { Meta = find_pictures },
  { Image = image, Figure = figure, Link = link, Span = function(span) return quoted(span) or made(span) end, CodeBlock = code },
  { Div = film },
  { Div = result },
  { Div = output },
  { Div = program },
  { Div = appendix },
}
