import Glibc
import PinionBase
import Testing

@testable import PinionCUDA

/// The driver and compiler of Tests/FakeCUDA, built when they are first asked for. Emulated kernels stay in .build/fake-cuda for later runs.
struct FakeDriver: @unchecked Sendable {
  static let shared = FakeDriver()

  let path: String
  let folder: String
  private let handle: UnsafeMutableRawPointer?

  /// The package's folder.
  static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

  private init() {
    let root = FakeDriver.root
    folder = root + "/.build/fake-cuda"
    path = folder + "/libcuda.so.1.\(getpid())"
    mkdir(root + "/.build", 0o755)
    mkdir(folder, 0o755)
    let status = system(
      "clang++ -std=c++17 -O1 -fPIC -shared -I\(root)/Sources/CCUDA/include \(root)/Tests/FakeCUDA/*.cpp -o \(path)")
    handle = status == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nil
    let options = "-I\(root)/Tests/CUDAEmulator -I\(root)/Sources/PinionCUDA/Kernels"
    typealias Configure = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>) -> Void
    function("fake_configure", Configure.self)?("clang++", options, folder)
    atexit { _ = system("rm -f \(FakeDriver.root)/.build/fake-cuda/*.\(getpid()) \(FakeDriver.root)/.build/fake-cuda/work.\(getpid()).*") }
  }

  var isThere: Bool { handle != nil }

  private func function<T>(_ name: String, _ type: T.Type) -> T? {
    guard let handle, let symbol = dlsym(handle, name) else { return nil }
    return unsafeBitCast(symbol, to: type)
  }

  /// A driver as it is after a start, with every failure and setting forgotten.
  func reset() { function("fake_reset", (@convention(c) () -> Void).self)?() }
  func fail(_ name: String, nth: Int, status: Int32) {
    function("fake_fail", (@convention(c) (UnsafePointer<CChar>, Int, Int32) -> Void).self)?(name, nth, status)
  }
  func set(_ name: String, _ value: Int) {
    function("fake_set", (@convention(c) (UnsafePointer<CChar>, Int) -> Void).self)?(name, value)
  }
  func calls(_ name: String) -> Int { function("fake_calls", (@convention(c) (UnsafePointer<CChar>) -> Int).self)?(name) ?? -1 }
  /// What was made and not given back.
  var live: Int { function("fake_live", (@convention(c) () -> Int).self)?() ?? -1 }
  /// Contexts that the thread has pushed and not popped.
  var depth: Int { function("fake_depth", (@convention(c) () -> Int).self)?() ?? -1 }
  var functionNames: [String] {
    guard let ask = function("fake_function", (@convention(c) (Int) -> UnsafePointer<CChar>?).self) else { return [] }
    var names: [String] = []
    while let name = ask(names.count) { names.append(String(cString: name)) }
    return names
  }

  /// A search that finds this driver and, unless told otherwise, its compiler.
  func search(_ variables: [String: String] = [:]) -> LibrarySearch {
    let all = ["PINION_CUDA_DRIVER": path, "PINION_NVRTC": path].merging(variables) { $1 }
    return LibrarySearch(variable: { all[$0] }, systemFolders: [], usesLoader: false)
  }

  func platform() throws -> CUDAPlatform {
    try #require(isThere, "the fake driver does not build")
    reset()
    return CUDAPlatform(search())
  }
}

extension DeviceStream {
  /// The elements at `address`, once everything before is done.
  func read<T>(_ address: DeviceAddress, _ count: Int, as zero: T) throws -> [T] {
    var result = [T](repeating: zero, count: count)
    var failure: PinionError?
    result.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      do throws(PinionError) { try copy(from: address, bytes: bytes.count, to: base) } catch { failure = error }
    }
    if let failure { throw failure }
    // The copy takes place here; the array's storage is not moved by the call before.
    try withExtendedLifetime(result) { try synchronize() }
    return result
  }

  func write<T>(_ values: [T], to address: DeviceAddress) throws {
    var failure: PinionError?
    values.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      do throws(PinionError) { try copy(from: base, bytes: bytes.count, to: address) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

/// Numbers from a seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
  mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -2...2, using: &self) } }
}

/// All tests with the fake driver, one after the other: there is one of it.
@Suite(.serialized) struct WithFakeDriver {}
