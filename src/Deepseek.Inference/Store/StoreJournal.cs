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
    private const string Title = "deepseek conversion 1 ";

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
        catch (IOException fault) when (File.Exists(path))
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
            if (lines.Count == 0)
                file.SetLength(0);
            else
                file.Write("\n"u8); // ends a line that a kill cut short
            file.Seek(0, SeekOrigin.End);
            if (lines.Count == 0)
                journal.Append(title);
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

    private static Dictionary<(int, int), UInt128> Parse(List<string> lines)
    {
        Dictionary<(int, int), UInt128> done = [];
        foreach (var parts in lines.Skip(1).Select(line => line.Split(' ')))
            done[(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture))] = UInt128.Parse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return done;
    }
}
