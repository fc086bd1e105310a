import Glibc
import PinionBase
import Testing

@testable import PinionCUDA

/// The cache of images on a file system that is full, and on one that is read-only: mounts that only one thread of the test sees.
///
/// They take privileges that not every machine gives; then there is nothing to see, and the tests say so.
@Suite struct FullDiskTests {
  private final class Job {
    let folder: String
    let flags: UInt
    let options: String
    let body: (String) -> Void
    var isMounted = false
    init(_ folder: String, _ flags: UInt, _ options: String, _ body: @escaping (String) -> Void) {
      (self.folder, self.flags, self.options, self.body) = (folder, flags, options, body)
    }
  }

  /// Runs `body` in a thread for which `folder` is a file system in memory with `options`.
  /// - Returns: false where the system does not let one be mounted.
  private func mounted(_ options: String, isReadOnly: Bool = false, _ body: @escaping (String) -> Void) throws -> Bool {
    let folder = "/tmp/pinion-disk.\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
    #expect(mkdir(folder, 0o700) == 0)
    defer { rmdir(folder) }
    let readOnly: UInt = 1  // MS_RDONLY
    let job = Job(folder, isReadOnly ? readOnly : 0, options, body)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer else { return nil }
        let job = Unmanaged<Job>.fromOpaque(pointer).takeUnretainedValue()
        typealias Unshare = @convention(c) (Int32) -> Int32
        typealias Mount = @convention(c) (UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?, UInt, UnsafeRawPointer?) -> Int32
        guard let unshare = dlsym(nil, "unshare").map({ unsafeBitCast($0, to: Unshare.self) }),
          let mount = dlsym(nil, "mount").map({ unsafeBitCast($0, to: Mount.self) })
        else { return nil }
        // The thread's own view of the file systems, of which nothing gets out.
        let newMounts: Int32 = 0x20000, isPrivate: UInt = 1 << 18, recursive: UInt = 1 << 14
        guard unshare(newMounts) == 0, mount("none", "/", nil, isPrivate | recursive, nil) == 0 else { return nil }
        job.isMounted = job.options.withCString { mount("tmpfs", job.folder, "tmpfs", job.flags, $0) == 0 }
        if job.isMounted { job.body(job.folder) }
        return nil
      }, Unmanaged.passUnretained(job).toOpaque())
    #expect(status == 0)
    pthread_join(thread, nil)
    return withExtendedLifetime(job) { job.isMounted }
  }

  private func files(_ folder: String) -> Int {
    guard let directory = opendir(folder) else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
    return count
  }

  @Test func anImageThatDoesNotFitIsNotKeptAndLeavesNothing() throws {
    let large = [UInt8](repeating: 7, count: 256 << 10), small = [UInt8](repeating: 8, count: 100)
    let isMounted = try mounted("size=64k") { folder in
      let cache = ImageCache(folder: folder)
      #expect(!cache.keep(large, for: "large") && cache.image("large") == nil)
      #expect(files(folder) == 0)
      // What fits is kept, and what was there before stays when its successor does not fit.
      #expect(cache.keep(small, for: "key") && cache.image("key") == small)
      #expect(!cache.keep(large, for: "key") && cache.image("key") == small)
      #expect(files(folder) == 1)
    }
    if !isMounted { print("FullDiskTests: no file system may be mounted here") }
  }

  @Test func aReadOnlyFolderIsNoError() throws {
    let isMounted = try mounted("size=64k", isReadOnly: true) { folder in
      let cache = ImageCache(folder: folder), below = ImageCache(folder: folder + "/a/b")
      #expect(!cache.keep([1, 2, 3], for: "key") && cache.image("key") == nil)
      #expect(!below.keep([1, 2, 3], for: "key") && below.image("key") == nil)
      #expect(files(folder) == 0)
    }
    if !isMounted { print("FullDiskTests: no file system may be mounted here") }
  }
}
