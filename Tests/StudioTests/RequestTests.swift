import ExperimentKit
import Foundation
import TestKit
import Testing

/// Who is answered, how requests come and what is taken: a server that strangers may knock at.
extension ServerTests {
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
}
