import ExperimentKit
import Foundation
import TestKit
import Testing

/// The studio's server without a browser.
@Suite(.serialized) struct ServerTests {
  private let studio: StudioProcess

  init() throws { studio = try StudioProcess.shared.get() }

  private static func picture(_ shade: UInt8 = 90, size: Int = 96) throws -> [UInt8] {
    let pixels = (0..<3 * size * size).map { UInt8(truncatingIfNeeded: $0 / 3 * 7 + $0 / size) &+ shade }
    return try Picture(width: size, height: size, pixels: pixels).pngBytes()
  }

  private func map(
    _ picture: String, network: String = "vgg-scenes", target: Int = 3, method: String = "soft-pullback",
    temperature: String = "released", channel: String? = nil
  ) -> [String: Any] {
    [
      "network": network, "picture": picture, "target": target, "method": method, "temperature": temperature,
      "client": channel == nil ? NSNull() : "test", "channel": channel ?? NSNull(),
    ]
  }

  // MARK: What is served

  @Test func firstLineIsTheAddress() throws {
    #expect(studio.address == "http://127.0.0.1:\(studio.port)/")
    let page = try studio.get("/")
    #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
    let policy = try #require(page.headers["content-security-policy"])
    #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"))
    #expect(page.headers["x-content-type-options"] == "nosniff" && page.headers["cache-control"] == "no-store")
    // Everything is in the page; of addresses it has the name of SVG's elements alone.
    let addresses = page.text.matches(of: /https?:\/\/[^"'\s]+/).map { String($0.0) }
    #expect(addresses == ["http://www.w3.org/2000/svg"])
  }

  @Test func pageIsToldWhatThereIs() throws {
    let start = try studio.get("/api/start").json
    let networks = try #require(start["networks"] as? [[String: String]])
    for model in Tier.scenes.models { #expect(networks.contains { $0["id"] == model }) }
    let samples = try #require(start["samples"] as? [[String: String]])
    #expect(samples.count { $0["family"] == "scenes" } == 8)
    let network = try studio.get("/api/networks/pvt-scenes").json
    #expect((network["classes"] as? [String])?.count == 10 && network["temperature"] as? String == "released")
    let methods = try #require(network["methods"] as? [[String: Any]]).map { $0["name"] as? String }
    #expect(methods.contains("soft-pullback") && methods.contains("smoothgrad"))
    // Neither is defined for a pyramid of transformers.
    #expect(!methods.contains("grad-cam") && !methods.contains("attention-rollout"))
    let thumbnail = try studio.get("/api/thumbnails/\(samples[0]["id"]!)")
    let small = try Photograph(decoding: thumbnail.body, name: "thumbnail").picture
    #expect(small.width == 96 && small.height == 96)
  }

  /// Nothing but the loopback interface is listened on.
  @Test func listensOnLoopbackAlone() throws {
    let port = String(format: "%04X", studio.port)
    let sockets = try ["tcp", "tcp6"].flatMap { table in
      try String(contentsOfFile: "/proc/net/\(table)", encoding: .utf8).split(separator: "\n")
    }
    let listening = sockets.map { $0.split(separator: " ") }
      .filter { $0.count > 3 && $0[1].hasSuffix(":\(port)") && $0[3] == "0A" }
    #expect(listening.map { String($0[1]) } == ["0100007F:\(port)"])
  }

  // MARK: Who is answered

  @Test(arguments: [
    ["Host": "evil.example"], ["Host": "127.0.0.1"], ["Host": "127.0.0.1:1"], ["Origin": "http://evil.example"],
    ["Origin": "null"], ["Origin": "https://127.0.0.1:PORT"], ["Sec-Fetch-Site": "cross-site"],
    ["Sec-Fetch-Site": "same-site"],
  ]) func othersAreRefused(_ headers: [String: String]) throws {
    let headers = headers.mapValues { $0.replacingOccurrences(of: "PORT", with: "\(studio.port)") }
    for path in ["/", "/api/start", "/api/thumbnails/scene-0"] { #expect(try studio.get(path, headers).status == 403) }
    let answer = try studio.post("/api/pictures", try Self.picture(), headers)
    #expect(answer.status == 403 && (answer.json["error"] as? String)?.contains("expected") == true)
  }

  @Test func itsOwnPageIsAnswered() throws {
    for host in ["127.0.0.1", "localhost"] {
      let headers = [
        "Host": "\(host):\(studio.port)", "Origin": "http://\(host):\(studio.port)", "Sec-Fetch-Site": "same-origin",
      ]
      #expect(try studio.post("/api/pictures", try Self.picture(), headers).status == 200)
    }
  }

  /// A refused request's body is not taken for another request.
  @Test func nothingIsSmuggled() throws {
    let hidden = "GET /api/start HTTP/1.1\r\nHost: 127.0.0.1:\(studio.port)\r\n\r\n"
    for count in [hidden.utf8.count, 5_000_000] {
      let answer = try Connection(studio.port).answer(
        to: "POST /api/map HTTP/1.1\r\nHost: evil.example\r\nContent-Length: \(count)\r\n\r\n\(hidden)")
      #expect(answer.status == 403 && answer.rest.isEmpty)
    }
  }

  @Test(arguments: [
    "/../../../../etc/passwd", "/api/pictures/..%2F..%2Fetc%2Fpasswd", "/api/thumbnails/%2Fetc%2Fpasswd",
    "/api/pictures//etc/passwd", "/api/networks/..", "/Package.swift", "/api", "/api/map",
  ]) func noFileIsReadable(_ path: String) throws {
    let answer = try studio.get(path)
    #expect(answer.status == 404 && !answer.text.contains("root:"))
  }

  // MARK: How requests come

  private var host: String { "Host: 127.0.0.1:\(studio.port)\r\n" }

  /// What may be read in two ways, or is no request, is refused at once.
  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHOSTHost: evil.example\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: evil.example\r\nHOST\r\n", 400),
    ("GET / HTTP/1.1\r\nHOSTOrigin: http://127.0.0.1:1\r\nOrigin: http://127.0.0.1:1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHOSTX: y\nContent-Length: 5\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHOSTX: y\rZ: z\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHOSTX: y\0\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHOSTX: y\tz é\r\n\r\n", 200),
    ("GET / HTTP/1.1\r\nHOSTX : y\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHOST folded\r\n\r\n", 400),
    ("GET http://evil.example/ HTTP/1.1\r\nHOST\r\n", 400), ("GET  / HTTP/1.1\r\nHOST\r\n", 400), ("\r\n\r\n", 400),
    ("GET / HTTP/1.0\r\nHOST\r\n", 505), ("\0\u{1}\u{2}\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 403),
    ("POST /api/map HTTP/1.1\r\nHOSTContent-Length: -1\r\n\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTContent-Length: +2\r\n\r\n{}", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTContent-Length: 99999999999999999999\r\n\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n7FFFFFFFFFFFFFF\r\n", 413),
    ("POST /api/map HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n", 400),
    ("POST /api/map HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n", 400),
    ("DELETE / HTTP/1.1\r\nHOST\r\n", 404), ("GET //api/start HTTP/1.1\r\nHOST\r\n", 404),
    ("GET /api/start?x=/../ HTTP/1.1\r\nHOST\r\n", 200),
  ]) func requestsAreReadInOneWay(_ request: String, _ status: Int) throws {
    let start = ContinuousClock.now
    let answer = try Connection(studio.port).answer(to: request.replacingOccurrences(of: "HOST", with: host))
    #expect(answer.status == status, "\(answer.text)")
    #expect(start.duration(to: .now) < .seconds(5))
  }

  /// Lines of any length, and any number of them, cost nobody any time.
  @Test func longHeadsAreRefusedAtOnce() throws {
    let long = String(repeating: "a", count: 2_000_000)
    for head in [
      "GET /\(long) HTTP/1.1\r\n\(host)\r\n", "GET / HTTP/1.1\r\n\(host)X: \(long)\r\n\r\n",
      "GET / HTTP/1.1\r\n\(host)" + String(repeating: "X: y\r\n", count: 100_000), long,
    ] {
      let start = ContinuousClock.now
      #expect(try Connection(studio.port).answer(to: head).status == 431)
      #expect(start.duration(to: .now) < .seconds(5))
    }
    let most = String(repeating: "a", count: 60_000)
    #expect(try studio.get("/api/start", ["X": most]).status == 200)
  }

  /// A request may come byte by byte, and in parts of a byte each.
  @Test func slowClientsAreWaitedFor() throws {
    let connection = try Connection(studio.port)
    let body = "{\"client\":\"x\",\"channel\":\"y\"}"
    let chunks = body.map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
    for byte in "POST /api/cancel HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n\(chunks)".utf8 {
      connection.send([byte])
      usleep(500)
    }
    #expect(try connection.answer(to: "").status == 204)
    // Who asks before sending is told to go on.
    let asking = try Connection(studio.port)
    asking.send(
      Array("POST /api/cancel HTTP/1.1\r\n\(host)Expect: 100-continue\r\nContent-Length: \(body.count)\r\n\r\n".utf8))
    let told = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    #expect(asking.receive(told.count) == told)
    #expect(try asking.answer(to: body).status == 204)
  }

  /// Connections that send nothing keep nobody else out.
  @Test func idleConnectionsAreBounded() throws {
    let own = try StudioProcess()
    var idle: [Connection] = []
    for _ in 0..<600 { idle.append(try Connection(own.port)) }
    #expect(idle.count == 600)
    // Those beyond the bound were ended at once.
    #expect(idle.suffix(300).allSatisfy { $0.receive().isEmpty })
    idle.removeAll()
    for _ in 0..<100 {
      if (try? own.get("/api/start"))?.status == 200 { return }
      usleep(50_000)
    }
    Issue.record("nobody is answered any more")
  }

  /// What is computed for nobody is given up: work that waits, and work that runs.
  @Test func whoGoesAwayGivesUpTheWork() throws {
    let own = try StudioProcess()
    let picture = try own.add(try Self.picture(11))
    let asked = map(picture, network: "pvt-scenes", method: "rise").merging(["format": "png"]) { $1 }
    let body = try JSONSerialization.data(withJSONObject: asked)
    for place in 0..<40 {
      let connection = try Connection(own.port)
      connection.send(
        Array(
          "POST /api/\(place % 2 == 0 ? "map" : "figure") HTTP/1.1\r\nHost: 127.0.0.1:\(own.port)\r\nContent-Length: "
            .utf8) + Array("\(body.count)\r\n\r\n".utf8) + body)
      usleep(20_000)
    }
    let start = ContinuousClock.now
    // Long work is done in order: this would come after all of the others.
    #expect(try own.post("/api/map", json: map(picture, method: "smoothgrad")).message("map") != nil)
    #expect(start.duration(to: .now) < .seconds(30))
  }

  // MARK: What is taken

  @Test func largeRequestsAreRefused() throws {
    for (path, count) in [("pictures", 30 << 20), ("map", 1 << 17), ("pictures", 1 << 40)] {
      let answer = try Connection(studio.port).answer(
        to: "POST /api/\(path) HTTP/1.1\r\nHost: 127.0.0.1:\(studio.port)\r\nContent-Length: \(count)\r\n\r\n")
      #expect(answer.status == 413, "\(path) \(count)")
    }
    // Of a length that is not said.
    let chunk = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
    let answer = try Connection(studio.port).answer(
      to: "POST /api/map HTTP/1.1\r\nHost: 127.0.0.1:\(studio.port)\r\nTransfer-Encoding: chunked\r\n\r\n"
        + String(repeating: chunk, count: 3) + "0\r\n\r\n")
    #expect(answer.status == 413)
  }

  /// Many large pictures at once do not fill the memory, and leave room for small ones.
  @Test func whatIsUnderWayIsBounded() throws {
    let own = try StudioProcess()
    let large = "POST /api/pictures HTTP/1.1\r\nHost: 127.0.0.1:\(own.port)\r\nContent-Length: \(20 << 20)\r\n\r\n"
    var slow: [Connection] = []
    for _ in 0..<12 {
      slow.append(try Connection(own.port))
      slow.last!.send(Array(large.utf8))
    }
    let refused = try (0..<20).lazy.map { _ in
      usleep(50_000)
      return try Connection(own.port).answer(to: large + "x")
    }.first { $0.status == 503 }
    #expect((refused?.json["error"] as? String)?.contains("at once") == true)
    #expect(try own.post("/api/pictures", try Self.picture()).status == 200)
    #expect(slow.count == 12)
    slow.removeAll()
    for _ in 0..<100 {
      if (try own.post("/api/pictures", [UInt8](repeating: 1, count: 19 << 20))).status == 422 { return }
      usleep(50_000)
    }
    Issue.record("the room is not given back")
  }

  /// What a command calls a picture is what its file is called, in Persian and with emoji too.
  @Test(
    arguments: [
      (String(repeating: "long ", count: 40) + "name.png", nil), ("می‌خواهم 👩‍👧.png", nil), ("/etc/a\\b.png", "b.png"),
      ("\u{202E}gnp.\u{7}exe", "gnp.exe"), ("..", "picture.png"),
    ] as [(String, String?)]) func namesOfFilesAreKept(_ name: String, _ kept: String?) throws
  {
    let coded = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
    let answer = try studio.post("/api/pictures", try Self.picture(5), ["X-Name": coded])
    #expect(answer.json["name"] as? String == kept ?? name)
  }

  @Test func badPicturesAreRefusedInWords() throws {
    let good = try Self.picture()
    var enormous = good
    // Of 30,000 by 30,000 pixels, says its head.
    enormous.replaceSubrange(16..<24, with: [0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30])
    let bad: [[UInt8]] = [
      [], Array(good.prefix(good.count / 2)), Array("GIF89a".utf8), Array("hello".utf8), enormous,
      [UInt8](repeating: 0, count: 1000), try NPY.head(shape: [1, 3, 4, 4]) + [UInt8](repeating: 0, count: 192),
    ]
    for bytes in bad {
      let answer = try studio.post("/api/pictures", bytes, ["X-Name": "bad%20%1B%5B1m.png"])
      #expect((400..<500).contains(answer.status), "\(answer.text)")
      let problem = try #require(answer.json["error"] as? String)
      #expect(!problem.isEmpty && !problem.contains("\u{1B}"))
    }
    #expect(try studio.post("/api/pictures", good).status == 200)
  }

  @Test func picturesAreBounded() throws {
    // Of one of its own: it would drop those of other tests.
    let own = try StudioProcess()
    let first = try own.add(try Self.picture(1, size: 8))
    for shade in 2..<40 { _ = try own.add(try Self.picture(UInt8(shade), size: 8)) }
    #expect(try own.get("/api/pictures/\(first)").status == 404)
    let answer = try own.post("/api/map", json: map(first))
    #expect((answer.message("error")?["error"] as? String)?.contains("is no longer kept") == true, "\(answer.text)")
  }

  @Test func mistakesAreToldAndSurvived() throws {
    let picture = try studio.add(try Self.picture())
    let mistakes: [([String: Any], String)] = [
      (map(picture, network: "../../etc"), "network"), (map(picture, target: 10), "class 10"),
      (map(picture, target: -1), "class -1"), (map(picture, temperature: "relu=0"), "positive number"),
      (map(picture, temperature: "nonsense"), "expected a name and a value"),
      (map(picture, network: "pvt-scenes", method: "grad-cam"), "layer"), (map("scene-99999"), "no longer kept"),
    ]
    for (request, problem) in mistakes {
      let answer = try studio.post("/api/map", json: request)
      #expect((answer.message("error")?["error"] as? String)?.contains(problem) == true, "\(answer.text)")
    }
    #expect(try studio.post("/api/map", json: map(picture, method: "nonsense")).status == 400)
    for body in ["", "{", "[]", "{\"network\": 3}", String(repeating: "[", count: 50_000)] {
      #expect(try studio.post("/api/map", Array(body.utf8)).status == 400)
    }
    #expect(try studio.post("/api/map", json: map(picture)).message("map") != nil)
  }

  // MARK: What is computed

  /// The bytes of maps, figures and films are those of the command line that the page shows.
  @Test(arguments: [
    ("vgg-scenes", "soft-pullback", "relative=1.3"), ("resnet-scenes", "pullback-ascent", "released"),
    ("pvt-scenes", "soft-pullback", "relu=0.9,gelu=1.5"), ("resnet-scenes", "guided-grad-cam", "released"),
    ("vgg-scenes", "smoothgrad", "released"),
  ]) func commandsMakeTheSameBytes(_ network: String, _ method: String, _ temperature: String) throws {
    let folder = try TemporaryFolder()
    let name = "it's a picture.png"
    let bytes = try Self.picture(30, size: 120)
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path(name)))
    let picture = try studio.add(bytes, named: name.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!)
    var request = map(picture, network: network, target: 5, method: method, temperature: temperature)
    let answer = try studio.post("/api/map", json: request)
    let found = try #require(answer.message("map"), "\(answer.text)")
    let commands = try #require(found["commands"] as? [String: String])
    let head = try #require((found["head"] as? String).flatMap { Data(base64Encoded: $0) })
    var files = ["npy": head + Data(answer.frames.numbers[0])]
    for format in ["png", "pdf"] {
      request["format"] = format
      files[format] = Data(try studio.post("/api/figure", json: request).body)
    }
    for (kind, bytes) in files {
      try run(try #require(commands[kind]), in: folder)
      let path = folder.path("it's a picture-\(method).\(kind)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes, "\(kind)")
    }
  }

  @Test(arguments: [false, true]) func filmsAreTheCommandLines(_ away: Bool) throws {
    let folder = try TemporaryFolder()
    let bytes = try Self.picture(60)
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("p.png")))
    let answer = try studio.post(
      "/api/film",
      json: [
        "network": "resnet-scenes", "picture": try studio.add(bytes, named: "p.png"), "target": 2, "away": away,
        "steps": 4, "method": "pullback-ascent", "temperature": "relative=1.5",
      ])
    let film = try #require(answer.message("film"), "\(answer.text)")
    let head = try #require((film["head"] as? String).flatMap { Data(base64Encoded: $0) })
    let steps = answer.frames.messages.filter { $0["type"] as? String == "step" }
    #expect(steps.map { $0["step"] as? Int } == [0, 1, 2, 3, 4] && answer.frames.numbers.count == 5)
    let probabilities = steps.compactMap { $0["probability"] as? Double }
    #expect(away ? probabilities[4] < probabilities[0] : probabilities[4] > probabilities[0])
    try run(try #require(film["command"] as? String), in: folder)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder.path("counterfactual/counterfactual.npy")))
        == answer.frames.numbers.reduce(head) { $0 + Data($1) })
  }

  /// Where a request names no temperature, it is that of `attribute`: the same for what is computed, for the command that
  /// is shown, and for the command without the option.
  @Test(arguments: [("own", "relative=1.5"), ("vgg-scenes", "released")])
  func temperatureByDefaultIsTheCommandLines(_ network: String, _ usual: String) throws {
    let own = try StudioProcess(["--model", Fixture.path("onnx/mine.onnx"), "--preprocess", "imagenet"])
    let folder = try TemporaryFolder()
    let bytes = try Self.picture(77, size: 64)
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("p.png")))
    let picture = try own.add(bytes, named: "p.png")
    for method in ["soft-pullback", "gradient"] {
      var request = map(picture, network: network, target: 2, method: method)
      request["temperature"] = nil
      let answer = try own.post("/api/map", json: request)
      let found = try #require(answer.message("map"), "\(answer.text)")
      let head = try #require((found["head"] as? String).flatMap { Data(base64Encoded: $0) })
      let commands = try #require(found["commands"] as? [String: String])
      let command = try #require(commands["npy"])
      #expect(command.contains(" --temperature \(usual) ") == (method == "soft-pullback"))
      for each in [command, command.replacingOccurrences(of: " --temperature \(usual)", with: "")] {
        try run(each, in: folder)
        let path = folder.path("p-\(method).npy")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == head + Data(answer.frames.numbers[0]), "\(each)")
        try FileManager.default.removeItem(atPath: path)
      }
      request["format"] = "png"
      try run(try #require(commands["png"]), in: folder)
      let figure = try own.post("/api/figure", json: request)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("p-\(method).png"))) == Data(figure.body))
      // Nobody reads the temperature of a method that has none.
      request["temperature"] = "nonsense"
      #expect(try own.post("/api/figure", json: request).status == (method == "gradient" ? 200 : 400))
    }
    let answer = try own.post(
      "/api/film",
      json: [
        "network": network, "picture": picture, "target": 1, "away": false, "steps": 2, "method": "pullback-ascent",
      ])
    let film = try #require(answer.message("film"), "\(answer.text)")
    let head = try #require((film["head"] as? String).flatMap { Data(base64Encoded: $0) })
    try run(try #require(film["command"] as? String), in: folder)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder.path("counterfactual/counterfactual.npy")))
        == answer.frames.numbers.reduce(head) { $0 + Data($1) })
  }

  private func run(_ command: String, in folder: TemporaryFolder) throws {
    #expect(command.hasPrefix("swift run pullbacks "))
    let outcome = try Program("pullbacks").shell(
      String(command.dropFirst("swift run ".count)), in: folder.url.path, environment: ["OPENBLAS_CORETYPE": "Haswell"])
    #expect(outcome.status == 0, "\(command)\n\(outcome.errors)")
  }

  /// What a network sees, and the picture as it sees it.
  @Test func predictionsAreTheLibrarys() throws {
    let subject = try Tier.scenes.subject("vgg-scenes", showing: .shown(Gallery(photographs: [], scenes: [0])))
    let image = try subject.images[0].image
    let picture = try studio.add(try Picture(image).pngBytes())
    let answer = try studio.post("/api/predict", json: ["network": "vgg-scenes", "picture": picture])
    let ranking = Prediction.ranking(try subject.network(image).scalars)
    #expect(answer.message("prediction")?["ranking"] as? [Int] == ranking.map(\.target))
    let floats = answer.frames.numbers.map { bytes in bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }
    #expect(floats[0] == image.scalars)
    for each in ranking { #expect(floats[1][each.target] == Float(each.probability)) }
  }

  @Test func wordsAreShaded() throws {
    let answer = try studio.post(
      "/api/texts", json: ["first": "t1 t5  t7", "second": "t2 t3", "method": "hard-pullback"])
    let found = try #require(answer.message("texts"), "\(answer.text)")
    let words = try #require(found["first"] as? [[String: Any]])
    #expect(words.map { $0["text"] as? String } == ["t1", "t5", "t7"])
    let (cosine, rest) = (found["cosine"] as! Double, found["rest"] as! [Double])
    #expect(abs(words.reduce(rest[0]) { $0 + ($1["share"] as! Double) } - cosine) < 1e-6 && abs(cosine) <= 1)
    let folder = try TemporaryFolder()
    try run((found["commands"] as! [String])[0], in: folder)
    let file = try Data(contentsOf: folder.url.appendingPathComponent("shares.json"))
    let json = try JSONSerialization.jsonObject(with: file)
    let shares = ((json as? [String: Any])?["words"] as? [[String: Any]])?.map { $0["share"] as! Double }
    #expect(shares == words.map { $0["share"] as! Double })
    let long = String(repeating: "t1 ", count: 2000)
    let stacked = "t" + String(repeating: "\u{301}", count: 3000)
    for mistake in [("", "t1"), ("t1", long), ("t1", stacked)].map({ ["first": $0.0, "second": $0.1] }) {
      let answer = try studio.post("/api/texts", json: mistake.merging(["method": "hard-pullback"]) { $1 })
      #expect(answer.message("error") != nil)
    }
  }

  /// Pictures of sentences are those of the command line that the page shows.
  @Test(arguments: [("t1 t5 t7", "t2 t3"), ("-t1 'x", "--help"), ("t1\n\"é\" \\", "$HOME `🙂")])
  func picturesOfWordsAreTheCommandLines(_ first: String, _ second: String) throws {
    var request = ["first": first, "second": second, "method": "soft-pullback"]
    let answer = try studio.post("/api/texts", json: request)
    let found = try #require(answer.message("texts"), "\(answer.text)")
    let commands = try #require(found["figures"] as? [[String: String]])
    for (place, texts) in [(first, second), (second, first)].enumerated() {
      for format in ["png", "pdf"] {
        (request["first"], request["second"], request["format"]) = (texts.0, texts.1, format)
        let picture = try studio.post("/api/text-figure", json: request)
        #expect(picture.status == 200 && picture.headers["content-type"]?.hasSuffix(format) == true, "\(picture.text)")
        let folder = try TemporaryFolder()
        try run(try #require(commands[place][format]), in: folder)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("words.\(format)"))) == Data(picture.body))
      }
    }
  }

  @Test func picturesOfWordsAreRefusedInWords() throws {
    let good = ["first": "t1", "second": "t2", "method": "hard-pullback", "format": "png"]
    for (key, value) in [
      ("format", "exe"), ("method", "random"), ("method", "nonsense"), ("first", ""), ("second", "t1\0"),
      ("first", String(repeating: "t1 ", count: 2000)),
    ] {
      let answer = try studio.post("/api/text-figure", json: good.merging([key: value]) { $1 })
      #expect((400..<500).contains(answer.status) && answer.json["error"] is String, "\(key) \(answer.text)")
    }
    #expect(try studio.post("/api/text-figure", json: good).status == 200)
  }

  /// The objects that were cut out are among the samples, each with who made it and with a command.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet")) func photographsAreOffered() throws {
    let samples = try #require(try studio.get("/api/start").json["samples"] as? [[String: String]])
    let objects = samples.filter { $0["id"]?.hasPrefix("object-") == true }
    #expect(objects.count == ImageNetTier.photographs.count)
    #expect(samples.count == 8 + ImageNetTier.contexts.count + objects.count)
    #expect(Set(samples.map { $0["id"] }).count == samples.count && samples.allSatisfy { $0["credit"] != "" })
    let zebra = try #require(objects.first { $0["name"] == "zebra.png" })
    let file = try Data(contentsOf: URL(fileURLWithPath: ImageNetTier.path(ofPhotograph: "zebra")))
    #expect(try studio.get("/api/pictures/\(zebra["id"]!)").body == Array(file))
    #expect(try studio.get("/api/thumbnails/\(zebra["id"]!)").status == 200)
  }

  // MARK: Many at once

  @Test func aHundredAtOnceAreAnswered() throws {
    let picture = try studio.add(try Self.picture())
    let requests = (0..<100).map { map(picture, target: $0 % 10, temperature: "relative=\(1 + Double($0) / 20)") }
    let bodies = try requests.map { Array(try JSONSerialization.data(withJSONObject: $0)) }
    let answers = Protected<[Int: Answer]>([:])
    let group = DispatchGroup()
    for (index, body) in bodies.enumerated() {
      group.enter()
      // A thread each: a queue would run as many as there are processors.
      Thread {
        let answer = try? studio.post("/api/map", body)
        answers.withLock { $0[index] = answer }
        group.leave()
      }.start()
    }
    group.wait()
    let all = answers.withLock { $0 }
    #expect(all.count == bodies.count && all.values.allSatisfy { $0.status == 200 && $0.message("map") != nil })
    // Each is the answer to its own request.
    for index in [0, 17, 99] {
      #expect(try studio.post("/api/map", bodies[index]).frames.numbers == all[index]?.frames.numbers)
    }
    #expect(Set(all.values.map { $0.frames.numbers[0] }).count == bodies.count)
  }

  /// Of two requests on a channel the newer is answered, and the older is given up; quick ones need not wait for it.
  @Test func newestWins() throws {
    let picture = try studio.add(try Self.picture(7))
    let long = try JSONSerialization.data(
      withJSONObject: map(picture, network: "pvt-scenes", method: "rise", channel: "a"))
    let older = try Connection(studio.port)
    older.send(Array("POST /api/map HTTP/1.1\r\n\(host)Content-Length: \(long.count)\r\n\r\n".utf8) + long)
    let begin = older.receive(until: "progress")
    let start = ContinuousClock.now
    #expect(try studio.post("/api/map", json: map(picture, target: 1)).message("map") != nil)
    let aside = start.duration(to: .now)
    #expect(aside < .seconds(10), "\(aside)")
    #expect(try studio.post("/api/map", json: map(picture, target: 2, channel: "a")).message("map") != nil)
    let answer = try Answer(begin + older.receive())
    #expect(answer.message("superseded") != nil && answer.message("map") == nil && answer.message("progress") != nil)
  }

  @Test func longWorkIsCancelled() throws {
    let picture = try studio.add(try Self.picture(8))
    let long = Array(
      try JSONSerialization.data(withJSONObject: map(picture, network: "pvt-scenes", method: "rise", channel: "c")))
    let answer = Protected<Answer?>(nil)
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      let found = try? studio.post("/api/map", long)
      answer.withLock { $0 = found }
    }
    Thread.sleep(forTimeInterval: 1)
    let start = ContinuousClock.now
    #expect(try studio.post("/api/cancel", json: ["client": "test", "channel": "c"]).status == 204)
    group.wait()
    #expect(start.duration(to: .now) < .seconds(10))
    #expect(try #require(answer.withLock { $0 }).message("superseded") != nil)
  }

  // MARK: Beginning and end

  @Test func controlCEndsItAtOnce() throws {
    let own = try StudioProcess()
    let picture = try own.add(try Self.picture())
    let connection = try Connection(own.port)
    let body = try JSONSerialization.data(withJSONObject: map(picture, method: "rise"))
    let head = "POST /api/map HTTP/1.1\r\nHost: 127.0.0.1:\(own.port)\r\nContent-Length: \(body.count)\r\n\r\n"
    connection.send(Array(head.utf8) + body)
    Thread.sleep(forTimeInterval: 0.5)
    let end = own.interrupt()
    #expect(end.signal == SIGINT && end.time < .seconds(2), "\(end)")
  }

  @Test func takenPortsAreNamed() throws {
    let outcome = try Program("pullbacks").run(["studio", "--no-browser", "--port", "\(studio.port)"])
    #expect(outcome.status == 69 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("pullbacks: port \(studio.port): cannot be listened on"))
    #expect(outcome.errors.contains("--port"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test func ownNetworksAreOffered() throws {
    let own = try StudioProcess([
      "--model", Fixture.path("onnx/mine.onnx"), "--preprocess", "imagenet",
    ])
    let networks = try #require(try own.get("/api/start").json["networks"] as? [[String: String]])
    #expect(networks[0]["id"] == "own" && networks[0]["family"] == "own")
    let folder = try TemporaryFolder()
    let bytes = try Self.picture(3, size: 64)
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("p.png")))
    let answer = try own.post(
      "/api/map",
      json: map(try own.add(bytes, named: "p.png"), network: "own", target: 1, temperature: "relative=1.5"))
    let found = try #require(answer.message("map"), "\(answer.text)")
    try run(try #require((found["commands"] as? [String: String])?["npy"]), in: folder)
    let written = try Data(contentsOf: URL(fileURLWithPath: folder.path("p-soft-pullback.npy")))
    #expect(written == Data(base64Encoded: found["head"] as! String)! + Data(answer.frames.numbers[0]))
  }

  @Test(
    arguments: [
      (["--preprocess", "imagenet"], 64, "--preprocess"), (["--model", "nonsense"], 64, "nonsense"),
      (["--labels", "x.txt"], 64, "--labels"), (["--model", "/nowhere/x.onnx"], 66, "x.onnx"),
      (["--text-model", "/nowhere"], 66, "/nowhere"), (["--port", "70000"], 64, "70000"),
    ] as [([String], Int32, String)])
  func mistakesEndItBeforeItListens(_ arguments: [String], _ status: Int32, _ problem: String) throws {
    let outcome = try Program("pullbacks").run(["studio", "--no-browser", "--port", "0"] + arguments)
    #expect(outcome.status == status && outcome.output.isEmpty, "\(outcome.errors)")
    #expect(outcome.errors.contains(problem), "\(outcome.errors)")
  }
}
