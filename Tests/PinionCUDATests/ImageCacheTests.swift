import Glibc
import PinionBase
import Testing

@testable import PinionCUDA

@Suite struct ImageCacheTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/pinion-cache.\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
    defer { _ = system("rm -rf \(folder)") }
    try body(folder)
  }

  @Test func whatIsKeptIsFound() throws {
    try inFolder { folder in
      let cache = ImageCache(folder: folder + "/a/b")
      #expect(cache.image("key") == nil)
      #expect(cache.keep([1, 2, 3], for: "key"))
      #expect(cache.image("key") == [1, 2, 3])
      #expect(cache.image("other") == nil)
      #expect(cache.keep([4], for: "key"))
      #expect(cache.image("key") == [4])
    }
  }

  /// A file that was cut, changed, linked or made by anyone else is not taken.
  @Test func whatIsDamagedIsNotTaken() throws {
    try inFolder { folder in
      let cache = ImageCache(folder: folder)
      let file = "\(folder)/key.cubin"
      for damage in [
        "truncate -s -1 \(file)", "truncate -s 10 \(file)", "printf x | dd of=\(file) bs=1 seek=60 conv=notrunc 2>/dev/null",
        "printf x | dd of=\(file) bs=1 seek=0 conv=notrunc 2>/dev/null", "chmod 666 \(file)", "mv \(file) \(file).real && ln -s \(file).real \(file)",
        "rm \(file) && mkdir \(file)", "rmdir \(file) && mkfifo \(file)",
      ] {
        if !damage.hasPrefix("rmdir") { #expect(cache.keep([UInt8](repeating: 7, count: 100), for: "key")) }
        #expect(system(damage) == 0)
        #expect(cache.image("key") == nil, "\(damage)")
      }
    }
  }

  /// A folder that cannot be made or written to, and a full disk, are no errors.
  @Test func whatCannotBeWrittenIsNotKept() {
    #expect(!ImageCache(folder: "/proc/pinion").keep([1], for: "key"))
    #expect(!ImageCache(folder: "/dev/null/pinion").keep([1], for: "key"))
    #expect(!ImageCache(folder: nil).keep([1], for: "key"))
    #expect(ImageCache(folder: nil).image("key") == nil)
    #expect(ImageCache(folder: "/dev/full").image("key") == nil)
  }

  /// Many that write one image at once: whoever reads finds one of them, whole, and no other file stays.
  @Test func writersDoNotDisturbEachOther() async throws {
    let folder = "/tmp/pinion-writers.\(getpid())"
    defer { _ = system("rm -rf \(folder)") }
    let damaged = await withTaskGroup(of: Int.self) { group in
      for writer in 0..<6 {
        group.addTask {
          let cache = ImageCache(folder: folder + "/a")
          let image = [UInt8](repeating: UInt8(writer), count: 1000 * (writer + 1))
          var count = 0
          for _ in 0..<30 {
            if !cache.keep(image, for: "key") { count += 1 }
            guard let found = cache.image("key"), let first = found.first, found == [UInt8](repeating: first, count: 1000 * (Int(first) + 1)) else {
              count += 1
              continue
            }
          }
          return count
        }
      }
      return await group.reduce(0, +)
    }
    #expect(damaged == 0)
    #expect(system("test $(ls -A \(folder)/a | wc -l) = 1") == 0)
  }

  @Test func theFolderIsTheUsers() {
    func folder(_ variables: [String: String]) -> String? { ImageCache.process { variables[$0] }.folder }
    #expect(folder(["PINION_CACHE_DIR": "/x", "HOME": "/h"]) == "/x")
    #expect(folder(["PINION_CACHE_DIR": "", "HOME": "/h"]) == nil)
    #expect(folder(["XDG_CACHE_HOME": "/c", "HOME": "/h"]) == "/c/pinion")
    #expect(folder(["XDG_CACHE_HOME": "relative", "HOME": "/h"]) == "/h/.cache/pinion")
    #expect(folder([:]) == nil)
  }

  @Test func theKeyIsOfEverythingThatDecides() throws {
    let a = KernelProgram(name: "a", text: "b")
    #expect(a.key(target: 90, compiler: "13.5") == KernelProgram(name: "a", text: "b").key(target: 90, compiler: "13.5"))
    let others = [
      a.key(target: 89, compiler: "13.5"), a.key(target: 90, compiler: "13.4"), KernelProgram(name: "a", text: "c").key(target: 90, compiler: "13.5"),
      KernelProgram(name: "ab", text: "").key(target: 90, compiler: "13.5"),
    ]
    #expect(Set(others + [a.key(target: 90, compiler: "13.5")]).count == 5)
  }
}

extension WithFakeDriver {
  @Suite struct Cache {
    let fake = FakeDriver.shared

    @Test func anImageIsCompiledOnce() throws {
      let folder = "/tmp/pinion-images.\(getpid())"
      defer { _ = system("rm -rf \(folder)") }
      let platform = try fake.platform()
      let context = try DeviceContext(0, of: platform)
      func load() throws { _ = try KernelLoader(context, platform: platform, cache: ImageCache(folder: folder)).module(Devices.doubling) }
      try load()
      try load()
      #expect(fake.calls("nvrtcCompileProgram") == 1)
      // The driver refuses what is on disk, e.g. after an update: compiled anew, and kept.
      fake.fail("cuModuleLoadData", nth: 3, status: 209)
      try load()
      #expect(fake.calls("nvrtcCompileProgram") == 2)
      try load()
      #expect(fake.calls("nvrtcCompileProgram") == 2)
      let loader = KernelLoader(context, platform: platform, cache: ImageCache(folder: nil))
      let first = try loader.module(Devices.doubling)
      #expect(try loader.module(Devices.doubling) === first)
    }
  }
}
