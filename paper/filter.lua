-- What the page and the print show differently. On the page programs are folded away where they belong, numbers say which
-- file they are from and which line made it, films can be moved through, and files of numbers are links to save them. In
-- print programs are an appendix.

local is_page = FORMAT:match("html") ~= nil
-- The size of the text on a sheet, height over width, less room for a caption.
local tallest = 1.3
-- The width of that text in inches, and how many pixels an inch has at least, so that small tables keep their size.
local text_width, density = 6.38, 220

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
  { Image = image, Figure = figure, Link = link, Span = quoted, CodeBlock = code },
  { Div = film },
  { Div = output },
  { Div = program },
  { Div = appendix },
}
