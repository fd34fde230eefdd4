using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>What an unfinished conversion has done: a line for every page that was written, so that the next run can go on.</summary>
/// <remarks>
/// A kill may cut the last line short, and a power failure may keep lines whose pages never reached the disk: so each line has a checksum of its own, and a resumed conversion reads the pages
/// back before it believes them.
/// </remarks>
internal sealed class StoreJournal : IDisposable
{
    private const string Title = "deepseek conversion 2 ";

    // EWOULDBLOCK of flock(2), which .NET passes on as the HRESULT; ERROR_SHARING_VIOLATION.
    private static readonly int SharingViolation = OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11;

    private readonly Lock _lock = new();
    private readonly FileStream _file;

    private StoreJournal(FileStream file, Dictionary<(int Shard, int Page), UInt128> done) => (_file, Done) = (file, done);

    /// <summary>The pages that an earlier run has written, with their checksums.</summary>
    public IReadOnlyDictionary<(int Shard, int Page), UInt128> Done { get; }

    /// <summary>Opens a folder's journal, or begins one.</summary>
    /// <param name="folder">The store's folder.</param>
    /// <param name="fingerprint">What the conversion is made of.</param>
    /// <exception cref="CheckpointFormatException">The journal is another conversion's, or another process is at work.</exception>
    public static StoreJournal Open(string folder, UInt128 fingerprint)
    {
        var path = Path.Combine(folder, StoreFile.Journal);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException fault) when (fault.HResult == SharingViolation)
        {
            throw new CheckpointFormatException(folder, null, "Another process is converting into the folder. Wait for it, or give another folder.", fault);
        }

        try
        {
            var lines = ReadLines(file);
            var title = Title + StoreManifest.Text(fingerprint);
            if (lines.Count > 0 && lines[0] != title)
                throw new CheckpointFormatException(folder, null, "The folder holds an unfinished conversion with other options or of another checkpoint. Give those again to finish it, or another folder, or remove this one.");

            var journal = new StoreJournal(file, Parse(lines));
            DiskSpace.Guard(folder, () => title.Length, () => journal.Begin(title, resumed: lines.Count > 0));
            return journal;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Notes a page that was written.</summary>
    public void Add(int shard, int page, UInt128 checksum) =>
        Append(string.Create(CultureInfo.InvariantCulture, $"{shard} {page} {StoreManifest.Text(checksum)}"));

    public void Dispose() => _file.Dispose();

    private void Begin(string title, bool resumed)
    {
        if (!resumed)
            _file.SetLength(0);
        _file.Seek(0, SeekOrigin.End);
        if (resumed)
            _file.Write("\n"u8); // ends a line that a kill cut short
        else
            Append(title);
    }

    private void Append(string line)
    {
        var bytes = Encoding.ASCII.GetBytes($"{line} {Check(line)}\n");
        lock (_lock)
            _file.Write(bytes); // one write a line, unbuffered: it survives the process
    }

    private static string Check(string line) => XxHash32.HashToUInt32(Encoding.ASCII.GetBytes(line)).ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>The lines whose checksums are right.</summary>
    private static List<string> ReadLines(FileStream file)
    {
        using var reader = new StreamReader(file, Encoding.ASCII, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        List<string> lines = [];
        while (reader.ReadLine() is { } line)
        {
            var space = line.LastIndexOf(' ');
            if (space > 0 && line[(space + 1)..] == Check(line[..space]))
                lines.Add(line[..space]);
        }

        return lines;
    }

    /// <summary>What the lines after the title say; one that says nothing sensible counts as not there.</summary>
    private static Dictionary<(int, int), UInt128> Parse(List<string> lines)
    {
        Dictionary<(int, int), UInt128> done = [];
        foreach (var parts in lines.Skip(1).Select(line => line.Split(' ')))
        {
            if (parts.Length == 3
                && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var shard)
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var page)
                && UInt128.TryParse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var checksum))
                done[(shard, page)] = checksum;
        }

        return done;
    }
}
