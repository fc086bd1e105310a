import CCUDA
import PinionBase

/// A text of kernels, compiled as one.
package struct KernelProgram: Sendable {
  package let name: String
  package let text: String

  /// Generated kernels; the text may include the headers that come with the library.
  package init(name: String, text: String) {
    self.name = name
    self.text = text
  }

  /// One of the texts that come with the library, e.g. `gemm.cu`.
  package init(named name: String) throws(PinionError) {
    guard let text = cc_text_named(name) else { throw .internal("the library has no kernels '\(name)'") }
    self.name = name
    self.text = String(cString: text.pointee.text)
  }

  /// What texts may include.
  var headers: [(name: String, text: String)] { KernelProgram.libraryHeaders }

  private static let libraryHeaders: [(name: String, text: String)] = ["prims.cuh", "elementwise.cuh", "matrix.cuh"].compactMap { name in
    cc_text_named(name).map { (name, String(cString: $0.pointee.text)) }
  }

  func options(target: Int) -> [String] { ["--gpu-architecture=sm_\(target)", "-std=c++17", "-default-device"] }

  /// What decides the image: text, headers, options, target and compiler.
  func key(target: Int, compiler version: String) -> String {
    var digest = SHA256()
    for part in [version, name, text] + options(target: target) + headers.flatMap({ [$0.name, $0.text] }) {
      // Lengths in between, so that no two lists of parts run together into the same bytes.
      digest.add(Array("\(part.utf8.count):".utf8))
      digest.add(Array(part.utf8))
    }
    return digest.hexadecimal()
  }
}
