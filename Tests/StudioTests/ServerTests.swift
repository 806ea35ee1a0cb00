import ExperimentKit
import Foundation
import TestKit
import Testing

/// The studio's server without a browser.
@Suite(.serialized) struct ServerTests {
  let studio: StudioProcess

  init() throws { studio = try StudioProcess.shared.get() }

  var host: String { "Host: 127.0.0.1:\(studio.port)\r\n" }

  static func picture(_ shade: UInt8 = 90, size: Int = 96) throws -> [UInt8] {
    let pixels = (0..<3 * size * size).map { UInt8(truncatingIfNeeded: $0 / 3 * 7 + $0 / size) &+ shade }
    return try Picture(width: size, height: size, pixels: pixels).pngBytes()
  }

  func map(
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
