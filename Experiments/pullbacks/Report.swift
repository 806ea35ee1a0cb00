import Digests
import ExperimentKit
import Failures
import Foundation

/// Attributions as one web page with everything in it: the images, what the network sees in them, each attribution to
/// lay over its image, and all it takes to compute them again. It asks for nothing from elsewhere.
struct Report {
  /// A method with its attributions, per image and target.
  struct Column {
    let method: Method
    let cost: Cost
    let settings: [String: String]
    /// A note if temperatures are not the paper's.
    let note: String?
    let maps: [[ExplainedImages.Map]]
  }

  private let explained: ExplainedImages
  private let columns: [Column]
  private let model: Subject
  private let seed: UInt64
  /// Per image, the classes with the largest logits; none where the network is no classifier.
  private let rankings: [[Prediction]]

  /// An attribution takes some 250 KB of the page.
  private static let maximumMapCount = 300

  /// Throws if a page would become too large for a browser.
  static func check(maps: Int) throws {
    guard maps <= maximumMapCount else {
      throw PullbackError(
        .usage, "--report", "\(maps) attributions are too many for one page, expected at most \(maximumMapCount)",
        advice: "take fewer images, targets or methods")
    }
  }

  init(_ explained: ExplainedImages, _ columns: [Column], model: Subject, seed: UInt64) throws {
    (self.explained, self.columns, self.model, self.seed) = (explained, columns, model, seed)
    // Where an inner node is explained, the model's own output is not known yet.
    let isWhole = explained.network.graph.nodes.count == model.graph.nodes.count
    rankings = try (0..<explained.images.count).map { index in
      guard !isWhole else { return Array(explained.rankings[index].prefix(5)) }
      let value = try model.network(explained.images(index..<index + 1))
      return model.graph.outputShape.count == 1 ? Array(Prediction.ranking(value.scalars).prefix(5)) : []
    }
  }

  func write(to path: String) throws { try AtomicFile.write(text: page().text, to: path) }

  private func page() throws -> HTML {
    try ReportPage(
      title: "What \(model.name) saw",
      controls: """
        <div class="controls">
        <label>image <input id="mix" type="range" min="0" max="100" value="100" aria-label="From image to attribution">\
         attribution</label>
        <fieldset aria-label="How attributions are drawn">
        <label><input type="radio" name="view" value="heat" checked> heat map</label>
        <label><input type="radio" name="view" value="raw"> raw colour</label>
        </fieldset>
        </div>

        """, script: ReportAssets.script, articles: (0..<explained.images.count).map(article), origin: origin()
    ).html()
  }

  private func article(_ index: Int) throws -> HTML {
    let targets = explained.targets[index]
    let options = targets.enumerated().map { place, target in
      "<option value=\"\(place)\">\(Self.title(target))</option>" as HTML
    }
    return """
      <article class="image" style="--photo: url(\(try data(Picture(explained.images(index..<index + 1)))))">
      <h2>\(title(index))</h2>
      <div class="seen">
      <div class="stack" role="img" aria-label="The image as the network gets it"></div>
      <ol>\(HTML(rankings[index].map(bar)))</ol>
      </div>
      <p class="chooser"\(targets.count == 1 ? " hidden" : "")><label>What is explained: \
      <select>\(HTML(options))</select></label></p>
      \(HTML(try targets.indices.map { try section(index, $0) }))
      </article>

      """
  }

  private func bar(_ prediction: Prediction) -> HTML {
    let percent = decimal(100 * prediction.probability, places: 2)
    return """
      <li><span>\(model.className(prediction.target)) <small>(\(prediction.target))</small></span>\
      <span>\(percent) %</span>\
      <span class="bar"><span style="width: \(percent)%"></span></span></li>
      """
  }

  private func section(_ image: Int, _ place: Int) throws -> HTML {
    """
    <section class="target" data-target="\(place)">
    <h3>\(Self.title(explained.targets[image][place]))</h3>
    <div class="maps">\(HTML(try columns.map { try figure($0, $0.maps[image][place], of: title(image)) }))</div>
    </section>

    """
  }

  private func figure(_ column: Column, _ map: ExplainedImages.Map, of image: String) throws -> HTML {
    let facts = column.method.facts
    let account = map.completeness.map { completeness -> HTML in
      let (sum, change) = (decimal(completeness.sum, places: 4), decimal(completeness.change, places: 4))
      return "<div>sums to \(sum) of f(x) − f(baseline) = \(change)</div>"
    }
    return """
      <figure><div class="stack">
      <img class="heat" alt="\(column.method.rawValue) of \(image), heat map" src="\(try data(map.pictures[0]))">
      <img class="raw" alt="\(column.method.rawValue) of \(image), raw colour" src="\(try data(map.pictures[1]))">
      </div><figcaption><b>\(column.method.rawValue)</b><div>\(facts.formula)</div>
      \(facts.caveat.map { "<div>\($0)</div>" as HTML } ?? "")\(account ?? "")
      <div title="SHA-256 of the attribution's float32 values: \(map.sha256)">SHA-256 \
      \(String(map.sha256.prefix(16)))…</div>
      </figcaption></figure>

      """
  }

  private func origin() throws -> HTML {
    func row(_ name: String, _ value: HTML) -> HTML { ReportPage.row(name, value) }
    var rows: [HTML] = [row("Command", "<pre>\(ReportPage.command)</pre>")]
    rows.append(row("Network", "\(model.name), <code>\(model.path)</code>"))
    rows.append(row("Checkpoint's SHA-256", "<code>\(try model.sha256)</code>"))
    var seen: Set<String> = []
    for file in explained.images.files where seen.insert(file).inserted {
      let digest = try? sha256(ofFileAt: file)
      rows.append(
        row(
          "Image",
          "<code>\(PathText.shown(file))</code>\(digest.map { "<br>SHA-256 <code>\($0)</code>" as HTML } ?? "")"))
    }
    rows.append(row("Preprocessing", "\(explained.preprocessing)"))
    rows.append(row("Seed", "\("\(seed)")"))
    rows.append(row("Versions", "\(ReportPage.versions)"))
    rows.append(
      row(
        "Heat maps",
        """
        The mean over the colour channels; red speaks for the class, blue against it; either side is divided by its \
        own extreme. Raw colour: all values from the smallest, black, to the largest.
        """))
    let methods = columns.map { column -> HTML in
      let settings = column.settings.sorted { $0.key < $1.key }.map { row($0.key, "\($0.value)") }
      let passes = "passes per image and target: \(column.cost.forward) forward, \(column.cost.backward) backward"
      return """
        <details><summary><b>\(column.method.rawValue)</b>, \(column.method.facts.source)\
        \(column.note.map { "; \($0)" } ?? ""); \(passes)</summary>
        <table>\(HTML(settings))</table></details>

        """
    }
    return "<table>\(HTML(rows))</table>\n<h2>Settings</h2>\n\(HTML(methods))"
  }

  private func title(_ image: Int) -> String {
    let images = explained.images
    let file =
      images.areOfFolder ? images.names[image] : PathText.shown((images.files[image] as NSString).lastPathComponent)
    return Set(images.files).count == images.count ? file : "\(file), \(images.names[image])"
  }

  private static func title(_ target: ResolvedTarget) -> String {
    guard let prediction = target.prediction else {
      return "\(target.label), value \(decimal(target.score, places: 4))"
    }
    return "\(target.name) (\(prediction.target)), p = \(decimal(prediction.probability, places: 4))"
  }

  private func data(_ picture: Picture) throws -> String {
    "data:image/png;base64," + Data(try picture.pngBytes()).base64EncodedString()
  }
}
