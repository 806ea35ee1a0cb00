import Foundation
import Processes
import TestKit
import Testing

/// Debian's Chromium without a window, driven by its debugging protocol over a pipe.
final class Browser {
  /// Where the program is; nil where there is none.
  static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return ["chromium", "chromium-browser", "google-chrome"].lazy
      .flatMap { name in folders.lazy.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  private let process: ChildProcess
  private let (input, output) = (Pipe(), Pipe())
  private let folder: TemporaryFolder
  private var pending: [UInt8] = []
  private var serial = 0
  private var session: String?
  /// What the page did wrong: exceptions, and what its policy kept from it.
  private(set) var problems: [String] = []
  /// The addresses that the page asked for.
  private(set) var requests: [String] = []

  /// - Parameters:
  ///   - width: of the page, in pixels.
  ///   - height: of the page.
  ///   - dark: whether dark colours are preferred.
  init(width: Int = 1200, height: Int = 900, dark: Bool = false) throws {
    folder = try TemporaryFolder()
    let options =
      [
        "--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
        "--user-data-dir=\(folder.path("profile"))", "--hide-scrollbars", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-extensions", "--force-color-profile=srgb",
      ] + (getuid() == 0 ? ["--no-sandbox"] : [])
    // It reads commands from descriptor 3 and writes answers to 4.
    process = try ChildProcess(
      "/bin/sh", ["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", Self.path!] + options,
      input: input.fileHandleForReading, output: output.fileHandleForWriting)
    try input.fileHandleForReading.close()
    try output.fileHandleForWriting.close()
    let target = try send("Target.createTarget", ["url": "about:blank"])
    session =
      try send("Target.attachToTarget", ["targetId": target["targetId"]!, "flatten": true])["sessionId"] as? String
    for domain in ["Page", "Runtime", "Log", "Network", "DOM"] { try send("\(domain).enable") }
    try resize(width, height)
    try prefer(dark: dark)
  }

  deinit {
    process.send(SIGKILL)
    process.wait()
  }

  func resize(_ width: Int, _ height: Int) throws {
    try send(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
  }

  func prefer(dark: Bool) throws {
    try send(
      "Emulation.setEmulatedMedia",
      ["features": [["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]]])
  }

  func open(_ address: String) throws {
    try send("Page.navigate", ["url": address])
    try wait("document.readyState === 'complete'")
  }

  /// Files that the page saves go into a folder.
  func save(to folder: String) throws {
    let own = session
    session = nil
    defer { session = own }
    try send("Browser.setDownloadBehavior", ["behavior": "allow", "downloadPath": folder])
  }

  // MARK: Doing what people do

  /// What an expression of JavaScript comes to, promises awaited.
  @discardableResult
  func run(_ expression: String) throws -> Any? {
    let answer = try send(
      "Runtime.evaluate",
      ["expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true])
    if let failure = answer["exceptionDetails"] as? [String: Any] {
      throw ConnectionError(problem: "\(expression): \(Self.text(of: failure))")
    }
    return (answer["result"] as? [String: Any])?["value"]
  }

  func isTrue(_ expression: String) throws -> Bool { try run("Boolean(\(expression))") as? Bool == true }

  /// Waits until an expression is true.
  func wait(_ expression: String, seconds: Double = 60, _ location: SourceLocation = #_sourceLocation) throws {
    let end = Date() + seconds
    while Date() < end {
      if try isTrue(expression) { return }
      Thread.sleep(forTimeInterval: 0.05)
    }
    Issue.record("waited for \(expression)", sourceLocation: location)
    throw ConnectionError(problem: "waited for \(expression)")
  }

  /// Gives files to a file input.
  func choose(_ path: String, in selector: String) throws {
    let root = try send("DOM.getDocument")["root"] as? [String: Any]
    let node = try send("DOM.querySelector", ["nodeId": root!["nodeId"]!, "selector": selector])
    try send("DOM.setFileInputFiles", ["files": [path], "nodeId": node["nodeId"]!])
  }

  /// Moves the mouse to a place in an element, given in parts of its sides, with a button down or not.
  func mouse(_ kind: String, _ selector: String, _ x: Double, _ y: Double, delta: Double? = nil) throws {
    let box = try #require(
      try run(
        "(b => [b.left, b.top, b.width, b.height])(document.querySelector('\(selector)').getBoundingClientRect())"
      ) as? [Any]
    ).map { ($0 as! NSNumber).doubleValue }
    var event: [String: Any] = [
      "type": kind, "x": box[0] + x * box[2], "y": box[1] + y * box[3], "clickCount": 1,
      "button": kind == "mouseMoved" ? "none" : "left",
    ]
    if kind == "mouseMoved" { event["buttons"] = isDown ? 1 : 0 }
    if kind == "mousePressed" { isDown = true }
    if kind == "mouseReleased" { isDown = false }
    if let delta { (event["deltaX"], event["deltaY"], event["button"]) = (0, delta, "none") }
    try send("Input.dispatchMouseEvent", event)
  }
  private var isDown = false

  func click(_ selector: String) throws {
    try run("document.querySelector('\(selector)').scrollIntoView({ block: 'center' })")
    for kind in ["mouseMoved", "mousePressed", "mouseReleased"] { try mouse(kind, selector, 0.5, 0.5) }
  }

  /// Presses a key: `Tab`, `ArrowDown`, `Enter`, or a letter.
  func press(_ key: String) throws {
    let codes = [
      "Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    ]
    var event: [String: Any] = ["type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key] ?? 0]
    if key.count == 1 { event["text"] = key }
    if key == "Enter" { event["text"] = "\r" }
    try send("Input.dispatchKeyEvent", event)
    try send("Input.dispatchKeyEvent", ["type": "keyUp", "key": key, "windowsVirtualKeyCode": codes[key] ?? 0])
  }

  func type(_ text: String) throws { try send("Input.insertText", ["text": text]) }

  /// The whole page as a PNG.
  func picture() throws -> Data {
    // What was just scrolled to or drawn may not be on the screen yet.
    try run("scrollTo(0, 0); new Promise(done => setTimeout(() => requestAnimationFrame(done), 500)).then(() => 0)")
    let answer = try send("Page.captureScreenshot", ["format": "png", "captureBeyondViewport": true])
    return Data(base64Encoded: answer["data"] as! String)!
  }

  // MARK: The protocol

  @discardableResult
  private func send(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    serial += 1
    var message: [String: Any] = ["id": serial, "method": method, "params": parameters]
    if let session { message["sessionId"] = session }
    try input.fileHandleForWriting.write(contentsOf: JSONSerialization.data(withJSONObject: message) + [0])
    while true {
      let answer = try next()
      guard answer["id"] as? Int == serial else {
        note(answer)
        continue
      }
      if let error = answer["error"] { throw ConnectionError(problem: "\(method): \(error)") }
      return answer["result"] as? [String: Any] ?? [:]
    }
  }

  private func next() throws -> [String: Any] {
    while true {
      if let end = pending.firstIndex(of: 0) {
        defer { pending.removeSubrange(...end) }
        return try JSONSerialization.jsonObject(with: Data(pending[..<end])) as? [String: Any] ?? [:]
      }
      var waiting = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 180_000) == 1 else { throw ConnectionError(problem: "the browser does not answer") }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw ConnectionError(problem: "the browser ended") }
      pending += more
    }
  }

  private func note(_ event: [String: Any]) {
    guard let parameters = event["params"] as? [String: Any] else { return }
    switch event["method"] as? String {
    case "Runtime.exceptionThrown":
      problems.append(Self.text(of: parameters["exceptionDetails"] as? [String: Any] ?? [:]))
    case "Log.entryAdded":
      let entry = parameters["entry"] as? [String: Any] ?? [:]
      if entry["level"] as? String == "error" { problems.append("\(entry["text"] ?? "") \(entry["url"] ?? "")") }
    case "Network.requestWillBeSent":
      if let address = (parameters["request"] as? [String: Any])?["url"] as? String { requests.append(address) }
    default: break
    }
  }

  private static func text(of failure: [String: Any]) -> String {
    let exception = failure["exception"] as? [String: Any]
    return exception?["description"] as? String ?? failure["text"] as? String ?? "\(failure)"
  }
}
