import Checkpoints
import Failures
import Foundation
import Pullbacks
import TestKit
import Testing

/// One small network as training frameworks save it (Tests/Oracles/wrapped_checkpoints.py): it is found wherever it
/// lies, under its own names, and what else lies in the file is told.
@Suite struct WrapperTests {
  struct Expected: Decodable {
    var container: [String]
    var parts: [String]
    var others: [[String]]
    /// The first value of the first convolution.
    var first: Float
  }

  static let expected = try! JSONDecoder().decode(
    [String: Expected].self, from: Data(contentsOf: URL(fileURLWithPath: path("expected.json"))))

  static func path(_ name: String) -> String { Fixture.path("wrapped/\(name)") }

  static let names: Set<String> = [
    "conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "fc.weight", "fc.bias",
  ]

  @Test func everyFixtureIsCovered() { #expect(Self.expected.count == 17) }

  @Test(arguments: expected.keys.sorted()) func findsTheNetwork(file: String) throws {
    let expected = try #require(Self.expected[file])
    let checkpoint = try Checkpoint(contentsOf: Self.path(file))
    #expect(checkpoint.container == expected.container)
    #expect(checkpoint.removedParts == expected.parts)
    #expect(checkpoint.otherContainers == expected.others)
    // Hyper-parameters such as a prefix of the user's own are the recogniser's business.
    let prefix = checkpoint.names.first { $0.hasSuffix("conv.weight") }?.dropLast("conv.weight".count) ?? ""
    let found = checkpoint.names.filter { !Checkpoint.isCounter($0) }
      .map { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0 }
    #expect(Set(found) == Self.names)
    #expect(try checkpoint.tensor(prefix + "conv.weight").scalars[0] == expected.first)
  }

  /// `--key`: the last key, all keys, or the beginning of names.
  @Test(arguments: [
    ("timm.pth.tar", "state_dict_ema", ["state_dict_ema"]), ("timm.pth.tar", "state_dict", ["state_dict"]),
    ("torchvision-references.pth", "model_ema", ["model_ema"]), ("ema-alone.pth", "shadow", ["ema", "shadow"]),
    ("ema-alone.pth", "ema", ["ema", "shadow"]),
    (
      "deep.pth", "experiment/run/weights_of_the_network",
      [
        "experiment", "run", "weights_of_the_network",
      ]
    ), ("two.pth", "discriminator/net", ["discriminator", "net"]), ("two.pth", "net", ["discriminator", "net"]),
    ("dino.pth", "teacher", ["teacher"]), ("undecided.pth", "b", ["b"]),
  ])
  func choosesByName(file: String, name: String, container: [String]) throws {
    let checkpoint = try Checkpoint(contentsOf: Self.path(file), named: name)
    #expect(checkpoint.container == container)
    if file == "timm.pth.tar" {
      let average = try #require(Self.expected["ema-alone.pth"]?.first)
      #expect((try checkpoint.tensor("conv.weight").scalars[0] == average) == (name == "state_dict_ema"))
    }
  }

  @Test func choosesByTheBeginningOfNames() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("moco.safetensors")
    try SafeTensors.write(
      [("module.encoder_q.w", Tensor(shape: [2], [1, 2])), ("module.encoder_k.w", Tensor(shape: [2], [3, 4]))],
      to: path)
    let checkpoint = try Checkpoint(contentsOf: path, named: "encoder_k")
    #expect(checkpoint.names == ["w"])
    #expect(try checkpoint.tensor("w").scalars == [3, 4])
    let error = #expect(throws: PullbackError.self) { try Checkpoint(contentsOf: path, named: "encoder") }
    #expect(error?.kind == .usage)
    let lightning = try Checkpoint(contentsOf: Self.path("lightning.ckpt"), named: "model")
    #expect(lightning.container == ["state_dict"])
    #expect(Set(lightning.names.filter { !Checkpoint.isCounter($0) }) == Self.names)
  }

  @Test func anUnknownNameListsWhatThereIs() throws {
    let error = try #require(throws: PullbackError.self) {
      try Checkpoint(contentsOf: Self.path("timm.pth.tar"), named: "model_ema")
    }
    #expect(error.kind == .usage)
    #expect(error.advice == "there are \"state_dict\", \"state_dict_ema\"")
  }

  @Test(arguments: [
    ("two.pth", "holds several state dicts, at \"model\", \"discriminator\" / \"net\"", "--key model"),
    ("undecided.pth", "holds several state dicts, at \"a\", \"b\"", "--key a"),
  ])
  func refusesToChoose(file: String, says: String, advises: String) throws {
    let error = try #require(throws: PullbackError.self) { try Checkpoint(contentsOf: Self.path(file)) }
    #expect(error.problem.hasPrefix(says), "\(error)")
    #expect(error.advice?.hasSuffix(advises) == true, "\(error)")
  }

  /// A part of a wrapper's name inside a layer's name, and a layer that is called like a wrapper, stay.
  @Test(arguments: [
    (["module.w", "other.w"], ["module.w", "other.w"]), (["module"], ["module"]), (["a_orig_mod.w"], ["a_orig_mod.w"]),
    (["a._orig_mod.w", "a.w"], ["a._orig_mod.w", "a.w"]), (["_orig_mod"], ["_orig_mod"]),
    (["module.module.w", "n_averaged"], ["w", "n_averaged"]), (["module._orig_mod.w"], ["w"]),
  ])
  func removesNothingElse(stored: [String], names: [String]) throws {
    let folder = try TemporaryFolder()
    try SafeTensors.write(stored.map { ($0, Tensor(shape: [1])) }, to: folder.path("a.safetensors"))
    #expect(Set(try Checkpoint(contentsOf: folder.path("a.safetensors")).names) == Set(names))
  }

  /// A class of a training library is nobody's tensor; a function of it, or of Python, is still refused.
  @Test(arguments: [
    ("pytorch_lightning.utilities.parsing", "AttributeDict", true), ("torch.optim.adam", "Adam", true),
    ("pytorch_lightning.utilities", "rank_zero_only", false), ("lightningx", "Evil", false),
    ("timm.models", "Model.forward", false), ("torch.distributed.tensor", "DTensor", false),
  ])
  func trainingLibrariesAreInert(module: String, name: String, isRead: Bool) throws {
    let object = Pickle.call(Pickle.global(module, name), [])
    let tensor = Pickle.tensor(shape: [6], strides: [1])
    let pickle = Pickle.whole(
      Pickle.emptyDict + Pickle.text("options") + object + Pickle.setItem + Pickle.text("w") + tensor + Pickle.setItem)
    let error = try refusal(of: zipCheckpoint(pickle))
    #expect((error == nil) == isRead, "\(String(describing: error))")
    if module.hasPrefix("torch.distributed") {
      #expect(error?.advice?.contains("full_state_dict=True") == true)
    }
  }
}

/// A file that changes while it is open, or while it is read.
@Suite struct ChangingFileTests {
  /// Truncated, then overwritten by another network: tensors and hash stay those that were opened.
  @Test(arguments: ["network.pt", "training.pth", "types.safetensors"])
  func anOpenCheckpointStaysAsItWas(file: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("last")
    let original = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path(file)))
    try original.write(to: URL(fileURLWithPath: path))
    let checkpoint = try Checkpoint(contentsOf: path)
    let name = try #require(checkpoint.names.first { checkpoint.entry($0)?.dtype == .float32 })
    #expect(truncate(path, 0) == 0)
    let expected = try Checkpoint(contentsOf: Fixtures.path(file))
    #expect(bits(try checkpoint.tensor(name)) == bits(try expected.tensor(name)))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data(repeating: 0xAA, count: 2 * original.count))
    try handle.close()
    #expect(bits(try checkpoint.tensor(name)) == bits(try expected.tensor(name)))
    #expect(try checkpoint.sha256 == expected.sha256)
  }

  /// Somebody writes to the file all the time: it is not one network, and no hash is that of anything.
  @Test func aFileThatIsBeingWrittenIsRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("last.safetensors")
    try SafeTensors.write([("w", Tensor(shape: [1 << 25], repeating: 1))], to: path)
    let isDone = UnsafeMutablePointer<Bool>.allocate(capacity: 1)
    isDone.initialize(to: false)
    nonisolated(unsafe) let done = isDone
    let descriptor = open(path, O_WRONLY)
    #expect(descriptor >= 0)
    let started = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      var first = true
      while !done.pointee {
        _ = pwrite(descriptor, [UInt8(1)], 1, 1 << 20)
        if first { started.signal() }
        first = false
        usleep(100)
      }
      ended.signal()
    }
    started.wait()
    let error = #expect(throws: PullbackError.self) { try Checkpoint(contentsOf: path) }
    done.pointee = true
    ended.wait()
    close(descriptor)
    isDone.deallocate()
    #expect(error?.kind == .io)
    #expect(error?.problem == "changed while it was read")
  }

  /// A file that is all hole takes neither time nor memory for its zeros.
  @Test func holesCostNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("hole.safetensors")
    let count = 1 << 34
    let header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[\(count / 4)],\"data_offsets\":[0,\(count)]}}"
    try Data(little(UInt64(header.utf8.count)) + Array(header.utf8)).write(to: URL(fileURLWithPath: path))
    #expect(truncate(path, 8 + header.utf8.count + count) == 0)
    #expect(try Checkpoint(contentsOf: path).entry("w")?.shape == [count / 4])
  }
}
