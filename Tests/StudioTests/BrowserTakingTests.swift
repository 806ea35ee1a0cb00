import ExperimentKit
import Foundation
import TestKit
import Testing

/// What the page lets a reader take away, and its shaded sentences.
extension BrowserTests {
  private func wait(for name: String, in saved: TemporaryFolder) throws -> Data {
    for _ in 0..<600 {
      if let data = FileManager.default.contents(atPath: saved.path(name)), !data.isEmpty { return data }
      Thread.sleep(forTimeInterval: 0.1)
    }
    throw ConnectionError(problem: "\(name) was not saved")
  }

  /// What is saved is what the command makes that the page shows.
  @Test func takesAwayWhatTheCommandMakes() throws {
    let browser = try opened()
    let (saved, folder) = (try TemporaryFolder(), try TemporaryFolder())
    try browser.save(to: saved.url.path)
    try browser.click("#save-picture")
    let name = try #require(try browser.run("state.picture.name") as? String)
    try wait(for: name, in: saved).write(to: URL(fileURLWithPath: folder.path(name)))
    for kind in ["npy", "png", "pdf"] {
      try browser.click("[data-take=\(kind)]")
      let file = (name as NSString).deletingPathExtension + "-soft-pullback.\(kind)"
      let bytes = try wait(for: file, in: saved)
      let command = try #require(try browser.run("$('command').textContent") as? String)
      #expect(command.hasSuffix(file), "\(command)")
      let outcome = try Program("pullbacks").shell(
        String(command.dropFirst("swift run ".count)), in: folder.url.path,
        environment: ["OPENBLAS_CORETYPE": "Haswell"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path(file))) == bytes, "\(kind)")
    }
    try check(browser)
  }

  @Test func shadesSentences() throws {
    let browser = try opened()
    try browser.run("$('text-a').value = 't1 t5  t7'; $('text-b').value = 't2 t3'")
    try browser.click("#tab-texts")
    try browser.wait("/^-?0\\.\\d{3}$/.test($('cosine').textContent) && $('shaded-a').children.length === 3")
    #expect(try browser.run("$('shaded-a').textContent") as? String == "t1 t5 t7")
    #expect(try browser.isTrue("[...$('shaded-b').children].some(word => word.style.background.includes('0.7'))"))
    // Which shares add up to the cosine is told for each method.
    try browser.wait("$('text-note').textContent.endsWith('together the cosine.')")
    try browser.run("$('text-method').value = 'leave-one-out'; $('text-method').dispatchEvent(new Event('change'))")
    try browser.wait("$('text-note').textContent.includes('do not add up')")
    try browser.run("$('text-method').value = 'hard-pullback'; $('text-method').dispatchEvent(new Event('change'))")
    try browser.wait("$('text-note').textContent.endsWith('together the cosine.')")
    let before = try browser.run("$('cosine').textContent") as? String
    try browser.run("$('text-b').focus()")
    try browser.type(" t1")
    try browser.wait("$('shaded-b').children.length === 3 && $('cosine').textContent !== '\(before ?? "")'")
    #expect(try browser.isTrue("$('text-command').textContent.includes(\"--against 't2 t3 t1'\")"))
    try check(browser)
  }

  /// The pictures of sentences, too: nothing is saved of others than those that were explained.
  @Test func takesSentencesAway() throws {
    let browser = try opened()
    let saved = try TemporaryFolder()
    try browser.save(to: saved.url.path)
    try browser.run("$('text-a').value = 't1 t5'; $('text-b').value = 't2 t3'")
    try browser.click("#tab-texts")
    try browser.wait("$('shaded-a').children.length === 2 && !document.querySelector('[data-words]').disabled")
    for (which, texts) in ["--text 't1 t5' --against 't2 t3'", "--text 't2 t3' --against 't1 t5'"].enumerated() {
      for format in ["png", "pdf"] {
        try browser.click("[data-words=\"\(which) \(format)\"]")
        let bytes = try wait(for: "words.\(format)", in: saved)
        let command = try #require(try browser.run("$('text-command').textContent") as? String)
        #expect(command.contains(texts) && command.hasSuffix(" --figure words.\(format)"), "\(command)")
        let folder = try TemporaryFolder()
        let outcome = try Program("pullbacks").shell(
          String(command.dropFirst("swift run ".count)), in: folder.url.path,
          environment: ["OPENBLAS_CORETYPE": "Haswell"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("words.\(format)"))) == bytes)
        try FileManager.default.removeItem(atPath: saved.path("words.\(format)"))
      }
    }
    try browser.run("$('text-b').focus()")
    try browser.type(" t1")
    #expect(try browser.isTrue("document.querySelector('[data-words]').disabled"))
    try browser.wait("!document.querySelector('[data-words]').disabled && $('shaded-b').children.length === 3")
    try check(browser)
  }
}
