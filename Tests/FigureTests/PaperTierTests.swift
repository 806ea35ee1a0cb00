import ExperimentKit
import Failures
import Foundation
import TestKit
import Testing

/// The path of a user with the paper's weights and images, from download to figure, with formula weights in place of
/// the official ones.
@Suite struct PaperTierTests {
  @Test func fromDownloadToFigure() throws {
    let folder = try TemporaryFolder()
    let graph = try Architecture.named("pvt_v2_b1").graph()
    let parameters = graph.parameters.map { (name: $0.name, tensor: Formula.parameter($0.name, $0.description.shape)) }
    try SafeTensors.write(parameters, to: folder.path("published.safetensors"))
    let digest = try Checkpoint(contentsOf: folder.path("published.safetensors")).sha256
    let list = "file,sha256,url\npvt_v2_b1.safetensors,\(digest),file://\(folder.path("published.safetensors"))\n"
    try AtomicFile.write(text: list, to: folder.path("list.csv"))
    for (id, shade) in [("n01440764", 60), ("n02391049", 200)] {
      let images = folder.path("images/\(id)")
      try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
      let pixels = (0..<300 * 240 * 3).map { UInt8(($0 / 7 * shade) % 256) }
      try Picture(width: 300, height: 240, pixels: pixels).writePNG(to: images + "/picture.png")
    }

    let environment = ["PULLBACKS_CACHE": folder.url.path, "PAPER_WEIGHTS": folder.path("list.csv")]
    let arguments = [
      "--networks", "paper", "--model", "pvt_v2_b1", "--images", folder.path("images"), "--output", folder.url.path,
      "--format", "png",
    ]
    let early = try Program("fig1").run(arguments, environment: environment)
    #expect(early.status == 69 && early.errors.contains("run make paper-weights"), "\(early.errors)")

    #expect(try Program(script: "Experiments/paper/fetch").run([], environment: environment).status == 0)
    let outcome = try Program("fig1").run(arguments, environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let picture = try Photograph(contentsOf: folder.path("fig1-paper-pvt_v2_b1.png")).picture
    #expect(picture.width > picture.height)
    let numbers = try JSONSerialization.jsonObject(
      with: Data(contentsOf: folder.url.appendingPathComponent("fig1-paper-pvt_v2_b1.json")))
    let networks = try #require((numbers as? [String: Any])?["numbers"] as? [[[String: Any]]])
    let rows = networks[0]
    #expect(rows.map { $0["target"] as? Int } == [0, 340])

    let network = try Formula.network(graph)
    let image = try ImageLoader(size: 224).image(at: folder.path("images/n02391049/picture.png"))
    let logit = try #require(rows[1]["logit"] as? Double)
    #expect(abs(logit - Double(try network(image)[0, 340])) <= 1e-5 * max(1, abs(logit)))
  }

  /// Every network of the tier can be fetched; figures of images show one more than the paper scores.
  @Test func networks() throws {
    let listed = try CSV.rows(
      at: Fixture.root.appendingPathComponent("Experiments/paper/weights.csv").path
    ).map { $0["file"] }
    #expect(Set(listed) == Set(PaperTier.Model.allCases.map { ($0.checkpointPath as NSString).lastPathComponent }))
    #expect(Tier.paper.pictured == Tier.paper.models + ["densenet121"])
    #expect(Tier.scenes.pictured == Tier.scenes.models && Tier.imagenet.pictured == Tier.imagenet.models)
    for model in Tier.paper.pictured { #expect(throws: Never.self) { try Architecture.named(model) } }
  }

  @Test func withoutImagesItSaysSo() throws {
    let outcome = try Program("fig1").run(["--networks", "paper"])
    #expect(outcome.status == 64 && outcome.errors.contains("--images"))
  }
}
