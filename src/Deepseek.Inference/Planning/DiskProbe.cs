using System.Diagnostics;
using System.Security.Cryptography;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>Measures how fast a disk gives experts: whole records in a random order, past the system's page cache, several reads at a time.</summary>
public static class DiskProbe
{
    /// <summary>Reads at a time that keep an NVMe disk busy.</summary>
    internal const int StandardReaders = 4;

    private const int MaxReaders = 64;

    // Long enough for a disk to leave its sleep and for a hypervisor's bursts to level out.
    internal static readonly TimeSpan ReadingTime = TimeSpan.FromSeconds(1.75);

    /// <summary>Measures the disk of a folder; it takes about two seconds, and for a folder that is no store as long as writing up to 1 GiB takes.</summary>
    /// <param name="folder">A page store, whose experts are read; or any folder, in which a file is written for the measurement and deleted.</param>
    /// <param name="readers">Threads that read, 1 to 64, each one record at a time.</param>
    /// <param name="cancellationToken">Ends it between two reads.</param>
    /// <returns>GB/s (10⁹ bytes).</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="readers"/> is out of range.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    /// <exception cref="DiskSpaceException">The disk has less space than a measurement needs.</exception>
    /// <exception cref="CheckpointFormatException">The folder is a store that is not sound.</exception>
    /// <exception cref="IOException">The disk fails, or takes no files.</exception>
    public static double Measure(string folder, int readers = StandardReaders, CancellationToken cancellationToken = default) =>
        Read(folder, readers, ReadingTime, cancellationToken).GigabytesPerSecond;

    /// <summary>Measures, and tells how.</summary>
    /// <param name="folder">A page store, or any folder.</param>
    /// <param name="readers">Threads that read.</param>
    /// <param name="time">How long they read at most.</param>
    /// <param name="cancellationToken">Ends it between two reads.</param>
    /// <param name="mostBytes">Bytes that are written at most.</param>
    internal static DiskReading Read(string folder, int readers, TimeSpan time, CancellationToken cancellationToken, long mostBytes = DiskProbeFile.MostBytes)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        if (readers is < 1 or > MaxReaders)
            throw new ArgumentOutOfRangeException(nameof(readers), readers, $"There must be 1 to {MaxReaders} readers.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder {UntrustedText.Quote(folder)}; it must be one on the disk that is to be measured, or a page store.");

        var pieces = StoreFile.IsStore(folder) ? DiskPieces.OfStore(folder) : [];
        if (pieces.Count > 0)
            return ReadPieces(pieces, readers, time, "records of the store", cancellationToken);

        using var file = DiskProbeFile.Write(folder, mostBytes, cancellationToken);
        return ReadPieces(DiskPieces.OfFile(file.Path, file.Length), readers, time, "a file written for it", cancellationToken);
    }

    /// <summary>Reads pieces of files in a random order.</summary>
    internal static DiskReading ReadPieces(IReadOnlyList<DiskPiece> pieces, int readers, TimeSpan time, string what, CancellationToken cancellationToken)
    {
        var files = pieces.Select(piece => piece.Path).Distinct().ToDictionary(path => path, path => DirectFile.Open(path));
        try
        {
            var order = pieces.ToArray();
            RandomNumberGenerator.Shuffle<DiskPiece>(order); // another one every time: nothing between us and the disk may remember the last
            var run = new Run(order, files, time, cancellationToken);
            run.Read(Math.Min(readers, order.Length));
            return new DiskReading(run.Bytes / 1e9 / run.Seconds, run.Bytes, files.Values.All(file => file.IsDirect), what);
        }
        finally
        {
            foreach (var file in files.Values)
                file.Dispose();
        }
    }

    /// <summary>Blocking threads that take pieces in turn until the time is over or all have been read once.</summary>
    private sealed class Run(DiskPiece[] pieces, Dictionary<string, DirectFile> files, TimeSpan time, CancellationToken cancellationToken)
    {
        private readonly int _longest = pieces.Max(piece => piece.Length);
        private long _begin;
        private long _end;
        private long _bytes;
        private int _next = -1;
        private Exception? _fault;

        public long Bytes => _bytes;

        public double Seconds => Math.Max(Stopwatch.GetElapsedTime(_begin, _end).TotalSeconds, 1.0 / Stopwatch.Frequency);

        public void Read(int readers)
        {
            var memories = new WeightMemory?[readers];
            try
            {
                for (var i = 0; i < readers; i++)
                {
                    memories[i] = new WeightMemory(_longest);
                    memories[i]!.Slice(0, _longest).Clear(); // so that no read waits for the system to find memory
                }

                using var ready = new Barrier(readers, _ => _begin = Stopwatch.GetTimestamp());
                var threads = Array.ConvertAll(memories, memory => new Thread(() => Serve(ready, memory!)) { IsBackground = true, Name = "Deepseek disk probe" });
                Array.ForEach(threads, thread => thread.Start());
                Array.ForEach(threads, thread => thread.Join());
            }
            finally
            {
                foreach (var memory in memories)
                    memory?.Dispose();
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (_fault is not null)
                throw new IOException($"The disk could not be measured: {_fault.Message}", _fault);
        }

        private void Serve(Barrier ready, WeightMemory memory)
        {
            ready.SignalAndWait(CancellationToken.None);
            try
            {
                while (!cancellationToken.IsCancellationRequested && _fault is null && (Stopwatch.GetElapsedTime(_begin) < time || _next < 0) && Interlocked.Increment(ref _next) is var next && next < pieces.Length)
                {
                    var piece = pieces[next];
                    files[piece.Path].Read(memory.Slice(0, piece.Length), piece.Offset);
                    Interlocked.Add(ref _bytes, piece.Length);
                }
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                _fault = fault;
            }

            lock (files)
                _end = Math.Max(_end, Stopwatch.GetTimestamp());
        }
    }
}

/// <summary>What a measurement of a disk found.</summary>
/// <param name="GigabytesPerSecond">GB/s (10⁹ bytes).</param>
/// <param name="Bytes">Bytes that were read.</param>
/// <param name="IsDirect">Whether reads passed the page cache by; where not, the figure may be that of memory.</param>
/// <param name="What">What was read, for readers.</param>
internal sealed record DiskReading(double GigabytesPerSecond, long Bytes, bool IsDirect, string What);
