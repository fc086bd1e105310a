import Glibc
import PinionBase
import Testing

@testable import PinionCUDA

@Suite struct LibrarySearchTests {
  private static let nothing = LibrarySearch(variable: { _ in nil }, systemFolders: [], usesLoader: false)

  @Test func withoutDriverThereIsOneSentence() throws {
    let platform = CUDAPlatform(LibrarySearchTests.nothing)
    #expect(platform.devices.isEmpty)
    let reason = try #require(platform.absence)
    #expect(reason.code == .unsupported)
    #expect(reason.message == "no NVIDIA driver: libcuda.so.1 was not found; install the driver of your system's GPU")
    #expect(throws: PinionError.self) { try platform.compiler() }
    #expect(platform.whyNot(0)?.message == reason.message)
  }

  @Test func aNamedFileThatIsNotThereIsNamed() throws {
    let search = LibrarySearch(variable: { $0 == "PINION_CUDA_DRIVER" ? "/nowhere/libcuda.so.1" : nil }, systemFolders: [])
    let reason = try #require(CUDAPlatform(search).absence)
    #expect(reason.message.contains("PINION_CUDA_DRIVER=/nowhere/libcuda.so.1"))
    #expect(reason.message.contains("No such file"))
  }

  @Test func aLibraryThatIsNoDriverIsTold() throws {
    let search = LibrarySearch(variable: { $0 == "PINION_CUDA_DRIVER" ? "libm.so.6" : nil }, systemFolders: [])
    let reason = try #require(CUDAPlatform(search).absence)
    #expect(reason.message == "no NVIDIA driver: the library opened for it has no cuInit, which every driver has")
  }

  /// CUDA 13's wheels come before 12's, an environment in use before the home folder, the toolkit after both.
  @Test func foldersOfWheelsAndToolkit() throws {
    let root = "/tmp/pinion-search.\(getpid())"
    defer { _ = system("rm -rf \(root)") }
    let site = "lib/python3.11/site-packages/nvidia"
    for folder in ["venv/\(site)/cu13/lib", "venv/\(site)/cuda_nvrtc/lib", "venv/\(site)/cublas/lib", "home/.local/\(site)/cuda_nvrtc/lib", "cuda/lib64"] {
      _ = system("mkdir -p \(root)/\(folder)")
    }
    let variables = ["VIRTUAL_ENV": "\(root)/venv", "HOME": "\(root)/home", "CUDA_HOME": "\(root)/cuda"]
    let search = LibrarySearch(variable: { variables[$0] }, systemFolders: ["/nowhere"], usesLoader: false)
    #expect(
      search.folders(.nvrtc) == [
        "\(root)/venv/\(site)/cu13/lib", "\(root)/venv/\(site)/cuda_nvrtc/lib", "\(root)/home/.local/\(site)/cuda_nvrtc/lib", "\(root)/cuda/lib64",
      ])
    #expect(search.folders(.blaslt) == ["\(root)/venv/\(site)/cu13/lib", "\(root)/venv/\(site)/cublas/lib", "\(root)/cuda/lib64"])
    #expect(search.folders(.driver).isEmpty)
  }

  /// A file of the right name that is no library does not end the search, and is told if nothing better comes.
  @Test func aBrokenFileIsPassedOver() throws {
    let root = "/tmp/pinion-broken.\(getpid())"
    defer { _ = system("rm -rf \(root)") }
    _ = system("mkdir -p \(root) && echo nonsense > \(root)/libcuda.so.1")
    let reason = try #require(CUDAPlatform(LibrarySearch(variable: { _ in nil }, systemFolders: [root], usesLoader: false)).absence)
    #expect(reason.message.contains("\(root)/libcuda.so.1"))
  }
}
