import ExperimentKit
import Foundation
import TestKit
import Testing

/// The studio's page in a real browser.
@Suite(.serialized, .enabled(if: Browser.path != nil, "needs Debian's package chromium"))
struct BrowserTests {
  let studio: StudioProcess

  init() throws { studio = try StudioProcess.shared.get() }

  /// The page with a picture of the scenes and its map.
  func opened(width: Int = 1200, dark: Bool = false) throws -> Browser {
    let browser = try Browser(width: width, dark: dark)
    try browser.open(studio.address)
    try browser.wait("state.maps.a")
    // The encoder of the tests knows a few words, and has places for eight.
    try browser.run("$('text-a').value = 't1 t5 t7'; $('text-b').value = 't2 t3'")
    try browser.run("document.querySelector('#samples [data-id^=scene]').click()")
    try browser.wait("state.maps.a && state.network.endsWith('-scenes') && state.picture.id.startsWith('scene')")
    return browser
  }

  /// Nothing went wrong, and nothing was asked of anybody else.
  func check(_ browser: Browser, _ location: SourceLocation = #_sourceLocation) throws {
    try browser.run("0")
    #expect(browser.problems.isEmpty, "\(browser.problems)", sourceLocation: location)
    let others = browser.requests.filter { address in
      !["\(studio.address)", "data:", "blob:\(studio.address)", "about:"].contains(where: address.hasPrefix)
    }
    #expect(others.isEmpty && !browser.requests.isEmpty, "\(others)", sourceLocation: location)
    #expect(try browser.isTrue("$('alert').hidden"), sourceLocation: location)
  }

  func number(_ value: Any?) throws -> Double { try #require(value as? NSNumber).doubleValue }

  /// A picture with something in it.
  func pictureFile(in folder: TemporaryFolder, size: Int = 150) throws -> String {
    let pixels = (0..<3 * size * size).map { UInt8(truncatingIfNeeded: $0 / 3 * 5 + $0 / size) }
    let path = folder.path("mine.png")
    try Picture(width: size, height: size, pixels: pixels).writePNG(to: path)
    return path
  }

  @Test func beginsWithAnExplainedSample() throws {
    let browser = try opened()
    #expect(try number(browser.run("document.querySelectorAll('#classes li').length")) == 5)
    #expect(try (browser.run("$('stage-title').textContent") as? String)?.hasPrefix("Why “") == true)
    #expect(try browser.isTrue("$('command').textContent.startsWith('swift run pullbacks attribute --model ')"))
    // The probabilities are those that the server told.
    #expect(
      try browser.isTrue(
        "document.querySelector('#classes button span:nth-child(2)').textContent === "
          + "percent(state.seen.p[state.seen.ranking[0]])"))
    #expect(try number(browser.run("document.querySelectorAll('#samples button').length")) >= 8)
    try check(browser)
  }

  /// A picture is chosen, dropped and pasted.
  @Test func takesPictures() throws {
    let browser = try opened()
    let folder = try TemporaryFolder()
    try browser.choose(try pictureFile(in: folder), in: "#file")
    try browser.wait("state.picture.name === 'mine.png' && state.maps.a")
    #expect(try browser.run("$('picture-note').textContent") as? String == "150 × 150 pixels")
    for (event, key, name) in [
      (
        "DragEvent('drop'", "dataTransfer", "dropped.png"
      ), ("ClipboardEvent('paste'", "clipboardData", "pasted.png"),
    ] {
      try browser.run(
        """
        (async () => {
          const data = new DataTransfer(), bytes = await (await fetch('/api/pictures/' + state.picture.id)).blob();
          data.items.add(new File([bytes, new Uint8Array([\(name.count)])], '\(name)', { type: 'image/png' }));
          window.dispatchEvent(new \(event), { \(key): data, bubbles: true, cancelable: true }));
        })()
        """)
      try browser.wait("state.picture.name === '\(name)' && state.maps.a")
    }
    try check(browser)
    // One that is none is refused in words, and the page goes on.
    try "no picture".write(toFile: folder.path("text.png"), atomically: true, encoding: .utf8)
    try browser.choose(folder.path("text.png"), in: "#file")
    try browser.wait("!$('alert').hidden && $('alert').textContent.includes('text.png')")
    try browser.run("document.querySelector('#samples [data-id^=scene]').click()")
    try browser.wait("state.picture.isSample && state.maps.a")
  }

  /// A class by a part of its name, with the keyboard alone; another network.
  @Test func choosesClassesAndNetworks() throws {
    let browser = try opened()
    try browser.run("$('class-input').focus()")
    try browser.type("golf")
    try browser.wait("!$('class-combo-list').hidden && $('class-combo-list').children.length === 1")
    #expect(try browser.run("$('class-input').getAttribute('aria-expanded')") as? String == "true")
    try browser.press("Enter")
    try browser.wait(
      "state.info.classes[state.target] === 'golf ball' && state.maps.a?.request.target === state.target")
    #expect(try browser.isTrue("$('stage-title').textContent.includes('golf ball')"))
    #expect(
      try browser.isTrue(
        "document.querySelector('#classes [aria-pressed=true]').textContent.startsWith('golf ball')"))
    for network in ["pvt-scenes", "resnet-scenes"] {
      try browser.run("$('network').value = '\(network)'; $('network').dispatchEvent(new Event('change'))")
      try browser.wait("state.maps.a?.request.network === '\(network)' && state.info.id === '\(network)'")
    }
    try check(browser)
  }

  /// The map follows the slider, and ends at the newest temperature.
  @Test func followsTheTemperature() throws {
    let browser = try opened()
    for mode in ["released", "relative"] {
      try browser.run("document.querySelector('input[name=mode-a][value=\(mode)]').click()")
      try browser.run(
        """
        (async () => {
          window.seen = new Set();
          const before = shown;
          for (let k = 60; k <= 75; k++) {
            $('knob-a').value = k; $('knob-a').dispatchEvent(new Event('input'));
            await new Promise(done => setTimeout(done, 15));
            if (state.maps.a) window.seen.add(state.maps.a.request.temperature);
          }
        })()
        """)
      try browser.wait("!underWay.a && state.maps.a.request.temperature === temperature('a')")
      let text = try #require(try browser.run("state.maps.a.request.temperature") as? String)
      #expect(mode == "relative" ? text == "relative=1.5" : text.contains("relu=0.9"), "\(text)")
      #expect(try number(browser.run("window.seen.size")) > 1)
      #expect(
        try browser.isTrue(
          "$('command').textContent.includes('--temperature ' + state.maps.a.request.temperature)"))
    }
    // From the keyboard, too.
    try browser.run("$('knob-a').focus()")
    try browser.press("ArrowRight")
    try browser.wait("!underWay.a && state.maps.a.request.temperature === 'relative=1.55'")
    try check(browser)
  }

  /// What is drawn is what the library draws.
  @Test func drawsWhatTheLibraryDraws() throws {
    let browser = try opened()
    func canvas(_ view: String) throws -> [UInt8] {
      try browser.run("document.querySelector('input[name=view][value=\(view)]').click()")
      let text = try browser.run(
        """
        (() => { const c = drawn('a'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let t = '';
        for (let i = 0; i < d.length; i++) if (i % 4 < 3) t += String.fromCharCode(d[i]); return btoa(t); })()
        """)
      return Array(Data(base64Encoded: text as! String)!)
    }
    let values = try #require(
      try browser.run(
        "(() => { let t = ''; for (const b of new Uint8Array(state.maps.a.values.buffer, 0, 4 * "
          + "state.maps.a.values.length)) t += String.fromCharCode(b); return btoa(t); })()")
        as? String)
    let map = Data(base64Encoded: values)!.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let attribution = Tensor(shape: [1, 3, 96, 96], map)
    #expect(try canvas("heat") == heatMap(attribution).pixels)
    #expect(try canvas("raw") == rawPicture(attribution).pixels)
    let index = try #require(try browser.run("state.picture.id") as? String).dropFirst("scene-".count)
    let image = try Tier.scenes.subject(
      "vgg-scenes", showing: .shown(Gallery(photographs: [], scenes: [Int(index)!]))
    ).images[0].image
    #expect(try canvas("picture") == Picture(image).pixels)
    // A pixel may round the other way: JavaScript multiplies in float64 where a picture's byte is rounded.
    let difference = zip(
      try canvas(
        "product"), try centredPicture(attribution * image).pixels
    ).map { abs(Int($0) - Int($1)) }
    #expect(difference.max()! <= 1)
    try check(browser)
  }

  @Test func zoomsAndReadsValues() throws {
    let browser = try opened()
    try browser.mouse("mouseMoved", "#stage", 0.505, 0.255)
    try browser.wait("$('value').textContent.startsWith('48, 24: ')")
    #expect(
      try browser.isTrue(
        "$('value').textContent.includes(signed([0, 1, 2].reduce((s, c) => s + state.maps.a.values[c * 9216 + 24 * "
          + "96 + 48], 0) / 3))"))
    try browser.mouse("mouseWheel", "#stage", 0.505, 0.255, delta: -600)
    try browser.wait("state.zoom > 2")
    // The place under the pointer stays.
    try browser.mouse("mouseMoved", "#stage", 0.505, 0.255)
    try browser.wait("$('value').textContent.startsWith('48, 24: ')")
    let centre = try number(browser.run("state.centre[0]"))
    try browser.mouse("mousePressed", "#stage", 0.5, 0.5)
    try browser.mouse("mouseMoved", "#stage", 0.6, 0.5)
    try browser.mouse("mouseReleased", "#stage", 0.6, 0.5)
    #expect(try number(browser.run("place(), state.centre[0]")) < centre)
    try browser.click("#zoom-reset")
    try browser.wait("state.zoom === 1")
    try browser.run("$('stage').focus()")
    try browser.press("ArrowRight")
    try browser.press("ArrowDown")
    try browser.wait(
      "$('status').textContent === $('value').textContent && /^\\d+, \\d+: /.test($('status').textContent)")
    try browser.press("+")
    try browser.wait("state.zoom === 1.5")
    try check(browser)
  }

  /// Two explainers, or one at two temperatures, on both sides of a line.
  @Test func comparesBySwiping() throws {
    let browser = try opened()
    try browser.click("#compare")
    try browser.wait("state.maps.b && state.maps.b.request.method === 'gradient' && !$('tag-b').hidden")
    try browser.mouse("mouseMoved", "#stage", 0.5, 0.5)
    try browser.mouse("mousePressed", "#stage", 0.5, 0.5)
    for x in [0.4, 0.3, 0.25] { try browser.mouse("mouseMoved", "#stage", x, 0.5) }
    try browser.mouse("mouseReleased", "#stage", 0.25, 0.5)
    try browser.wait("Math.abs(state.split - 0.25) < 0.02 && Math.abs($('swipe').value - 25) < 2")
    try browser.run("$('swipe').focus()")
    try browser.press("ArrowRight")
    try browser.wait("Math.abs($('swipe').value - 26) < 2 && state.split > 0.25")
    try browser.run(
      "$('method-b').value = 'soft-pullback'; $('method-b').dispatchEvent(new Event('change')); $('knob-b').value "
        + "= 20; $('knob-b').dispatchEvent(new Event('input'))")
    try browser.wait(
      "!underWay.b && state.maps.b?.request.temperature === temperature('b') && state.maps.b.request.temperature "
        + "!== state.maps.a.request.temperature")
    #expect(try browser.isTrue("/^-?\\d+, \\d+: .* \\| /.test((state.probe = [3, 4], tell(), $('value').textContent))"))
    try check(browser)
  }

  @Test func showsProgressAndStops() throws {
    let browser = try opened()
    try browser.run("$('network').value = 'pvt-scenes'; $('network').dispatchEvent(new Event('change'))")
    try browser.wait("state.maps.a?.request.network === 'pvt-scenes'")
    try browser.run("$('method-a').value = 'rise'; $('method-a').dispatchEvent(new Event('change'))")
    try browser.wait("!$('busy').hidden && Number($('busy').getAttribute('aria-valuenow')) >= 1 && !$('stop').hidden")
    try browser.click("#stop")
    try browser.wait("$('busy').hidden && $('stop').hidden && $('status').textContent === 'Stopped.'")
    try browser.run("$('method-a').value = 'soft-pullback'; $('method-a').dispatchEvent(new Event('change'))")
    try browser.wait("state.maps.a?.request.method === 'soft-pullback' && !underWay.a")
    try check(browser)
  }

  @Test(arguments: ["to", "away"]) func playsTheCounterfactual(_ direction: String) throws {
    let browser = try opened()
    if direction == "away" {
      try browser.run("setFilmClass(state.seen.ranking[0])")
    } else {
      try browser.run("$('film-input').focus()")
      try browser.type("garbage")
      try browser.press("Enter")
    }
    try browser.run(
      "document.querySelector('input[name=direction][value=\(direction)]').click(); $('film-steps').value = 6; "
        + "$('film-steps').dispatchEvent(new Event('input'))")
    try browser.click("#film-go")
    try browser.wait("film && film.frames.length === 7 && !$('film-go').disabled")
    #expect(
      try browser.run(
        "document.querySelectorAll('#film-curve polyline.goal')[0].points.numberOfItems") as? Int == 7)
    let change = try number(browser.run("film.frames[6].probability - film.frames[0].probability"))
    #expect(direction == "to" ? change > 0.2 : change < 0)
    #expect(try browser.isTrue("$('film-caption').textContent.startsWith('Step 6: ')"))
    try browser.click("#film-back")
    try browser.wait("$('film-at').value === '0'")
    try browser.click("#film-play")
    try browser.wait("$('film-at').value === '6'")
    #expect(try browser.isTrue("$('film-command').textContent.includes('--counterfactual 6')"))
    try check(browser)
  }

  /// Names of classes and of pictures are text, whatever they look like, and break no line of the page.
  @Test(arguments: [1200, 390]) func namesOfOthersAreText(_ width: Int) throws {
    let folder = try TemporaryFolder()
    let names = [
      "<img src=x onerror=\"document.title='taken'\">", "</script><script>document.title='taken'</script>",
      String(repeating: "long", count: 100), "__proto__", "constructor", "\u{202E}evil", "&amp;\"'`${1}", "日本語のクラス名",
      "z" + String(repeating: "\u{301}", count: 60), "javascript:alert(1)",
    ]
    try names.joined(separator: "\n").write(toFile: folder.path("labels.txt"), atomically: true, encoding: .utf8)
    let own = try StudioProcess([
      "--model", Fixture.path("onnx/mine.onnx"), "--preprocess", "imagenet", "--labels", folder.path("labels.txt"),
    ])
    let browser = try Browser(width: width)
    try browser.open(own.address)
    try browser.wait("state.maps.a && state.network === 'own'")
    let picture = folder.path(
      "<img src=x onerror=\"document.title='taken'\">" + String(repeating: "x", count: 99) + ".png")
    try Picture(width: 64, height: 64, pixels: (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 / 7) })
      .writePNG(to: picture)
    try browser.choose(picture, in: "#file")
    try browser.wait("state.picture.name.startsWith('<img') && state.maps.a")
    for (index, name) in names.enumerated() {
      try browser.run("choose(\(index)); setFilmClass(\(index))")
      try browser.wait("state.maps.a?.request.target === \(index)")
      let shown = try browser.run("document.querySelector('#classes [aria-pressed=true] span').textContent") as? String
      #expect(shown == name)
      #expect(try number(browser.run("document.documentElement.scrollWidth")) <= Double(width), "\(name.prefix(20))")
    }
    try browser.run("setFilmClass(2); $('film-steps').value = 1")
    try browser.click("#film-go")
    try browser.wait("film && film.frames.length === 2 && !$('film-go').disabled")
    try browser.run("$('class-input').focus()")
    try browser.wait("!$('class-combo-list').hidden && $('class-combo-list').children.length === 10")
    #expect(try number(browser.run("document.documentElement.scrollWidth")) <= Double(width))
    #expect(try browser.run("document.title") as? String == "Pullbacks studio")
    #expect(try number(browser.run("document.scripts.length")) == 1)
    #expect(try browser.isTrue("[...document.images].every(image => image.closest('#samples'))"))
    #expect(browser.problems.isEmpty, "\(browser.problems)")
  }

  /// Everything has a name for a screen reader, and everything is reached by the keyboard.
  @Test func isUsableWithoutAMouse() throws {
    let browser = try opened()
    for tab in ["pictures", "texts"] {
      try browser.run("selectTab('\(tab)')")
      let unnamed =
        try browser.run(
          """
          [...document.querySelectorAll('button, input, select, textarea, canvas, [role]')].filter(e => {
            if (!e.offsetParent || e.closest('[hidden]')) return false;
            const labels = e.labels ? [...e.labels].map(l => l.textContent.trim()).join('') : '';
            const by = document.getElementById(e.getAttribute('aria-labelledby'))?.textContent;
            const said = e.getAttribute('aria-label') || labels || by || e.textContent.trim();
            return !said && !e.querySelector('img[alt]:not([alt=""])');
          }).map(e => e.outerHTML.slice(0, 90))
          """) as? [String]
      #expect(unnamed == [], "\(tab)")
    }
    try browser.run("selectTab('pictures'); document.activeElement.blur()")
    try browser.press("Tab")
    #expect(try browser.run("document.activeElement.className") as? String == "skip")
    var reached: Set<String> = []
    for _ in 0..<80 {
      try browser.press("Tab")
      if let id = try browser.run(
        "document.activeElement.id || document.activeElement.name") as? String
      {
        reached.insert(id)
      }
    }
    for id in [
      "tab-pictures", "theme", "choose", "network", "class-input", "stage", "method-a", "knob-a", "compare",
      "film-input", "film-go", "copy",
    ] {
      #expect(reached.contains(id), "\(id)")
    }
    // Of the samples Tab reaches one, and arrows the others.
    #expect(try number(browser.run("document.querySelectorAll('#samples [tabindex=\"0\"]').length")) == 1)
    try browser.run(
      "document.querySelector('#samples [aria-pressed=true]').focus(); window.at = document.activeElement")
    try browser.press("ArrowRight")
    try browser.press("Enter")
    try browser.wait(
      "at.nextSibling === document.activeElement && at.nextSibling.dataset.id === state.picture.id "
        + "&& at.nextSibling.tabIndex === 0 && state.maps.a")
    try browser.run("document.activeElement.blur()")
    try browser.press("2")
    try browser.wait("state.view === 'heat'")
    try browser.run("$('tab-pictures').focus()")
    try browser.press("ArrowRight")
    try browser.wait("!$('texts').hidden && document.activeElement.id === 'tab-texts'")
    try check(browser)
  }

  /// Light and dark, wide and as narrow as a phone: nothing sticks out, and text is told from its ground.
  @Test(arguments: [1200, 390], [false, true]) func fitsTheScreen(_ width: Int, _ dark: Bool) throws {
    let browser = try opened(width: width, dark: dark)
    #expect(try browser.run("document.documentElement.dataset.theme") as? String == (dark ? "dark" : "light"))
    try browser.click("#film-go")
    try browser.wait("film && film.frames.length === 11 && !$('film-go').disabled", seconds: 120)
    try browser.click("#compare")
    try browser.wait("state.maps.b")
    for tab in ["pictures", "texts"] {
      try browser.run("selectTab('\(tab)')")
      #expect(try number(browser.run("document.documentElement.scrollWidth")) <= Double(width))
      let faint =
        try browser.run(
          """
          (() => {
            const parse = c => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
            const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            const light = c => 0.2126 * linear(c[0] / 255) + 0.7152 * linear(c[1] / 255) + 0.0722 * linear(c[2] / 255);
            const ground = e => {
              for (; e; e = e.parentElement) {
                const c = parse(getComputedStyle(e).backgroundColor);
                if (c.length < 4 || c[3] > 0.9) return c;
              }
              return [255, 255, 255];
            };
            const all = document.querySelectorAll('p, span, button, label, h1, h2, b, div, pre, select, figcaption');
            return [...all].filter(e => {
              const hasText = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
              if (!hasText || !e.offsetParent || e.disabled || e.closest('.stage, .shaded, .skip')) return false;
              const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
            }).map(e => e.outerHTML.slice(0, 80));
          })()
          """) as? [String]
      #expect(faint == [], "\(tab)")
      if let folder = ProcessInfo.processInfo.environment["PULLBACKS_SCREENSHOTS"] {
        try browser.picture().write(
          to: URL(fileURLWithPath: "\(folder)/\(tab)-\(width)-\(dark ? "dark" : "light").png"))
      }
    }
    try browser.run("selectTab('pictures')")
    try browser.click("#theme")
    #expect(try browser.run("document.documentElement.dataset.theme") as? String == (dark ? "light" : "dark"))
    try check(browser)
  }
}
