import ExperimentKit
import Foundation
import TestKit
import Testing

/// What the server computes: the bytes of the command line that the page shows.
extension ServerTests {
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

  func run(_ command: String, in folder: TemporaryFolder) throws {
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
}
