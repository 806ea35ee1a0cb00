import Checkpoints
import Foundation
import Pullbacks
import TestKit
import Testing

@testable import Networks

/// What a checkpoint is taken for, what is said about it, and what is refused.
@Suite struct RecognitionTests {
  typealias Tensors = [(name: String, shape: [Int])]

  static func tensors(_ name: String, classes: Int = 10, channels: Int = 3) throws -> Tensors {
    try Architecture.named(name).graph(classes: classes, channels: channels).parameters
      .map { ($0.name, $0.description.shape) }
  }

  static func under(_ prefix: String, _ tensors: Tensors) -> Tensors { tensors.map { (prefix + $0.name, $0.shape) } }

  /// A network inside another is no smaller network: tensors that are left over are refused, whoever names the model.
  @Test(arguments: [
    ("resnet34", "resnet18", "the tensors are those of resnet34"),
    ("seresnet18", "resnet18", "the tensors are those of seresnet18"),
    ("wide_resnet50_2", "resnet50", "the tensors are those of wide_resnet50_2"),
    ("convnext_small", "convnext_tiny", "the tensors are those of convnext_small"),
    ("densenet201", "densenet121", "the tensors are those of densenet201"),
    ("vit_l_16", "vit_b_16", "the tensors are those of vit_l_16"),
  ])
  func refusesWhatIsLeftOver(file: String, model: String, advice: String) throws {
    let error = #expect(throws: PullbackError.self) {
      try withCheckpoint(of: Self.tensors(file)) { try Network(.named(model), checkpoint: $0) }
    }
    #expect(error?.kind == .data)
    #expect(error?.advice == advice)
  }

  @Test func leftOverTensorsMayBeAllowed() throws {
    let extra: Tensors = [("criterion.weight", [10]), ("criterion.margin", [])]
    let all = try Self.tensors("resnet18") + extra + [("bn1.num_batches_tracked", [])]
    let error = #expect(throws: PullbackError.self) { try withCheckpoint(of: all, Architecture.infer) }
    #expect(error?.problem.contains("closest is resnet18: of its 102 tensors 0 are missing") == true)
    #expect(error?.problem.contains("2 of the file's are left over (\"criterion.weight\"") == true)
    #expect(error?.advice?.contains("(--allow-leftover 'criterion.*')") == true)
    for patterns in [["criterion.*"], ["*.weight", "*.margin"], ["criterion.weight", "criterion.margi?"]] {
      try withCheckpoint(of: all, allowingLeftOver: patterns) { checkpoint in
        let recognition = try Recognition(of: checkpoint)
        #expect(recognition.architecture.name == "resnet18")
        #expect(recognition.fit.allowedLeftOver.count == 2)
        #expect(recognition.fit.notes(among: nil).contains { $0.hasPrefix("2 tensors are left over, as allowed") })
      }
    }
    #expect(throws: PullbackError.self) {
      try withCheckpoint(of: all, allowingLeftOver: ["criterion.weight"], Architecture.infer)
    }
  }

  /// Names that what is missing and what is left over in the three closest, and advises no architecture that would not
  /// help.
  @Test func namesTheThreeClosest() throws {
    var all = try Self.tensors("resnet50")
    all.append(("layer1.0.attention.weight", [64, 64, 1, 1]))
    let error = try #require(throws: PullbackError.self) { try withCheckpoint(of: all, Architecture.infer) }
    #expect(error.problem.contains("closest is resnet50: "))
    #expect(error.problem.components(separatedBy: "; then ").count == 2)
    #expect(error.problem.components(separatedBy: ", then ").count == 2)
    // Of --model it says that of the export, and advises no architecture.
    let advice = try #require(error.advice)
    #expect(advice.contains("torch.onnx.export(") && advice.components(separatedBy: "--model ").count == 2)
    #expect(advice.hasSuffix("--model model.onnx)"))
  }

  @Test func saysWhatTensorsCannotTell() throws {
    let resnet = try withCheckpoint(of: Self.tensors("resnet50"), Recognition.init)
    #expect(resnet.architecture.name == "resnet50")
    #expect(resnet.alternatives.map(\.name) == ["resnetblur50", "resnetaa50"])
    let note = try #require(resnet.fit.notes(among: resnet.alternatives).last)
    #expect(note.contains("nothing of strides, padding, pools, activations and normalisation"))
    #expect(note.contains("resnetblur50, resnetaa50 have the same tensors (--model chooses)"))
    #expect(resnet.fit.notes(among: nil).isEmpty)
    // A thousand classes are called by ImageNet's names, whatever they are.
    let named = try withCheckpoint(of: Self.tensors("resnet50", classes: 1000), Recognition.init)
    let names = try #require(named.fit.notes(among: named.alternatives).last)
    #expect(names.contains("pools, activations, normalisation and the names of classes: these"))
    let network = try withCheckpoint(of: Self.tensors("resnet50")) { checkpoint in
      try Network(.named("resnetblur50"), checkpoint: checkpoint)
    }
    #expect(network.graph.name == "resnetblur50")
  }

  /// Weights of a quantised network without their scales are read, and it is said; counters are no weights.
  @Test func wholeNumbersAreSaid() throws {
    let all = try Self.tensors("resnet18") + [("bn1.num_batches_tracked", [])]
    let types = ["fc.weight": "I8", "conv1.weight": "I32", "bn1.num_batches_tracked": "I32"]
    let notes = try withCheckpoint(of: all, stored: types) { try Recognition(of: $0).fit.notes(among: nil) }
    #expect(notes.count == 1)
    #expect(
      notes[0].hasPrefix("2 of its tensors are stored as whole numbers (\"conv1.weight\", \"fc.weight\") and taken as"))
  }

  /// What stands before all names, whatever it is, and a head inside a `Sequential` or in place of one.
  @Test(arguments: ["model.", "backbone.", "net.encoder.", "student.", "0.", "_model."])
  func anyPrefix(prefix: String) throws {
    for name in ["resnet18", "mobilenet_v2", "pvt_v2_b0"] {
      let all = Self.under(prefix, try Self.tensors(name)) + [(prefix + "bn1.num_batches_tracked", [])]
      let recognition = try withCheckpoint(of: all, Recognition.init)
      #expect(recognition.architecture.name == name && recognition.fit.prefix == prefix)
      #expect(recognition.fit.classes == 10)
    }
  }

  @Test(arguments: [
    ("resnet18", "fc", "fc.1", true), ("resnet18", "fc", "fc.0", true), ("resnet18", "fc", "fc.block.linear", true),
    ("efficientnet_v2_s", "classifier.1", "classifier", true), ("mobilenet_v2", "classifier.1", "classifier.3", true),
    ("vit_b_16", "heads.head", "heads", true), ("vit_b_16", "heads.head", "heads.1", true),
    ("vgg11", "classifier.6", "classifier.6.1", true), ("convnext_tiny", "classifier.2", "classifier.2.1", true),
    ("densenet121", "classifier", "classifier.1", true), ("vgg11", "classifier.6", "classifier.7", false),
  ])
  func aClassifierInsideASequential(name: String, usual: String, stored: String, isFound: Bool) throws {
    let all = try Self.tensors(name, classes: 7).map { tensor in
      tensor.name.hasPrefix(usual + ".") ? (stored + tensor.name.dropFirst(usual.count), tensor.shape) : tensor
    }
    let recognition = try? withCheckpoint(of: all, Recognition.init)
    #expect(recognition?.architecture.name == (isFound ? name : nil))
    guard isFound else { return }
    #expect(recognition?.fit.movedClassifier == stored && recognition?.fit.classes == 7)
    #expect(recognition?.fit.notes(among: nil).contains { $0.hasPrefix("the classifier is \(stored)") } == true)
  }

  /// A backbone and a head with a prefix each, or a head of another name, as those who train a head alone save them.
  @Test(arguments: [
    ("resnet18", "backbone.", "head.fc"), ("resnet18", "model.backbone.", "model.head"),
    ("resnet18", "encoder.", "classifier.0"), ("resnet18", "backbone.", "fc"), ("resnet18", "", "head"),
    ("mobilenet_v2", "net.features.", "probe"), ("vit_b_16", "backbone.", "linear"), ("vgg11", "backbone.", "top"),
  ])
  func aHeadOutsideOfTheBackbone(name: String, prefix: String, head: String) throws {
    let usual = try ArchitectureTemplate(.named(name)).classifier + "."
    let tensors = try Self.tensors(name, classes: 7)
    let backbone = Self.under(prefix, tensors.filter { !$0.name.hasPrefix(usual) })
    let all =
      backbone
      + tensors.filter { $0.name.hasPrefix(usual) }
      .map { (name: head + "." + $0.name.dropFirst(usual.count), shape: $0.shape) }
    for counters in [[], [(name: prefix + "bn1.num_batches_tracked", shape: [Int]())]] {
      let recognition = try withCheckpoint(of: all + counters, Recognition.init)
      #expect(recognition.architecture.name == name && recognition.fit.prefix == prefix)
      #expect(recognition.fit.movedClassifier == head && recognition.fit.classes == 7)
      #expect(recognition.fit.notes(among: nil).contains { $0.hasPrefix("the classifier is \(head): ") })
    }
    // Of a head that may not be one linear map, nothing is assumed.
    let others: [Tensors] = [
      all + [("norm.weight", [3])], all + [(head + ".0.weight", [7, 7]), (head + ".0.bias", [7])],
      backbone + [(head + ".weight", [7, 5]), (head + ".bias", [7])], backbone + [(head + ".weight", [7, 512])],
      all.dropLast(2) + [("a.weight", [7, 512]), ("a.bias", [7]), ("b.weight", [7, 512]), ("b.bias", [7])],
    ]
    for other in others {
      #expect(throws: PullbackError.self) { try withCheckpoint(of: other, Architecture.infer) }
    }
  }

  /// Two linear maps have something between them that nobody can see.
  @Test func twoLayersInPlaceOfTheClassifierAreRefused() throws {
    var all = try Self.tensors("resnet18").filter { !$0.name.hasPrefix("fc.") }
    all += [("fc.0.weight", [64, 512]), ("fc.0.bias", [64]), ("fc.3.weight", [10, 64]), ("fc.3.bias", [10])]
    let error = try #require(throws: PullbackError.self) { try withCheckpoint(of: all, Architecture.infer) }
    #expect(error.problem.contains("closest is resnet18: of its 102 tensors 2 are missing"))
    #expect(error.advice?.hasPrefix("its classifier is not one linear layer under \"fc\"") == true, "\(error)")
  }

  @Test(arguments: [1, 4]) func otherChannels(channels: Int) throws {
    let names = ["resnet18", "resnet50d", "vgg11_bn", "efficientnet_b0", "convnext_tiny", "vit_b_16", "regnet_y_400mf"]
    for name in names {
      let all = try Self.tensors(name, channels: channels)
      try withCheckpoint(of: all) { checkpoint in
        let recognition = try Recognition(of: checkpoint)
        #expect(recognition.architecture.name == name && recognition.fit.channels == channels)
        #expect(recognition.fit.notes(among: nil).contains { $0.contains("takes \(channels) channel") })
        #expect(try Network(recognition.architecture, checkpoint: checkpoint).graph.inputShape[0] == channels)
      }
    }
  }

  @Test func normalisationOfOtherChannels() {
    let gray = ChannelAffine.imageNet.fitted(to: 1)
    // ImageNet's means average to 0.449, its deviations to 0.226.
    #expect(abs(gray.scale[0] - 0.5 / 0.226) < 1e-5 && abs(gray.shift[0] - (0.5 - 0.449) / 0.226) < 1e-5)
    let four = ChannelAffine.imageNet.fitted(to: 4)
    #expect(Array(four.scale[..<3]) == ChannelAffine.imageNet.scale && four.scale[3] == gray.scale[0])
    #expect(ChannelAffine.scenes.fitted(to: 3).settings == ChannelAffine.scenes.settings)
  }

  /// An average of the weights beside them is told; two networks of equal rank are not guessed.
  @Test func severalNetworksUnderSeveralPrefixes() throws {
    let tensors = try Self.tensors("resnet18")
    let both = Self.under("ema_model.", tensors) + Self.under("model.", tensors)
    let fit = try withCheckpoint(of: both) { try Recognition(of: $0).fit }
    #expect(fit.prefix == "model." && fit.otherPrefixes == ["ema_model."])
    #expect(fit.notes(among: nil).contains { $0.contains("(--key ema_model takes it)") })
    let queries = Self.under("encoder_q.", tensors) + Self.under("encoder_k.", tensors)
    let error = #expect(throws: PullbackError.self) { try withCheckpoint(of: queries, Architecture.infer) }
    #expect(error?.problem == "holds several networks of resnet18, under \"encoder_q\", \"encoder_k\"")
  }

  /// A network that is not built in is named, and the way out is whole.
  @Test(arguments: [
    ("layers.0.blocks.0.attn.relative_position_bias_table", "a Swin Transformer"),
    ("features.1.0.attn.cpb_mlp.0.weight", "a Swin Transformer V2"),
    ("blocks.0.layers.0.layers.MBconv.layers.pre_norm.weight", "MaxViT"),
  ])
  func networksThatAreNotBuiltInAreNamed(tensor: String, name: String) throws {
    let error = try #require(throws: PullbackError.self) {
      try withCheckpoint(of: [(tensor, [169, 3])], Architecture.infer)
    }
    #expect(error.problem.hasSuffix(", and look like those of \(name) that is not built in"))
    let advice = try #require(error.advice)
    #expect(
      advice.contains("torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), \"model.onnx\"), with the size"))
    #expect(advice.contains("here --model model.onnx)"))
  }

  /// Tables that follow from the extents, which some versions save.
  @Test func tablesAreNotLeftOver() throws {
    let all = try Self.tensors("resnet18") + [("layer1.relative_position_index", [49, 49])]
    #expect(try withCheckpoint(of: all, Architecture.infer).name == "resnet18")
  }

  /// Grad-CAM's own layer: behind the last activation.
  @Test(arguments: [
    ("resnet18", "layer4.1.relu_1"), ("resnet50", "layer4.2.relu_2"), ("vgg16", "avgpool"),
    ("efficientnet-lite0", "_swish_head"), ("densenet121", "relu"), ("convnext_tiny", "features.7.2.add"),
    ("mobilenet_v3_large", "features.16.2"), ("regnet_y_400mf", "trunk_output.block4.block4-5.activation"),
    ("pvt_v2_b1", nil), ("vit_b_16", nil),
  ])
  func lastMaps(name: String, layer: String?) throws {
    #expect(Architecture.lastMaps(in: try Architecture.named(name).graph()) == layer)
  }

  /// The output of a layer is that of its last node, as PyTorch's modules are named.
  @Test func layersHaveTheirLastNode() throws {
    let graph = try Architecture.named("resnet18").graph(resolution: 32)
    func name(_ layer: String) -> String? { graph.index(ofLayer: layer).map { graph.nodes[$0].name } }
    #expect(name("layer3") == "layer3.1.relu_1" && name("layer3.0") == "layer3.0.relu_1")
    #expect(name("layer3.0.conv1") == "layer3.0.conv1" && name("layer") == nil && graph.index(of: "layer3") == nil)
    #expect(try graph.truncated(at: "layer3").outputShape == [256, 2, 2])
  }
}
