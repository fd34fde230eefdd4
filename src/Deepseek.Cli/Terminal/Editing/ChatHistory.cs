using System.Security;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Deepseek.Cli.Terminal.Editing;

/// <summary>What was entered, also in earlier chats: a file with a JSON string a line, for the user's eyes alone.</summary>
/// <remarks>A chat goes on without it: what is wrong with the file is told once, and the file is then left alone.</remarks>
internal sealed class ChatHistory
{
    /// <summary>Entries that are kept.</summary>
    public const int Most = 1000;

    private const long MaxBytes = 16 << 20; // of a file that is read: far more than so many entries

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<string> _entries = [];
    private readonly Action<string> _warn;
    private string? _path;

    private ChatHistory(string? path, Action<string> warn) => (_path, _warn) = (path, warn);

    public int Count => _entries.Count;

    public string this[int index] => _entries[index];

    /// <summary>Reads a history.</summary>
    /// <param name="path">The file, which may not exist yet; null for none.</param>
    /// <param name="warn">Told why the file cannot be used.</param>
    public static ChatHistory Open(string? path, Action<string> warn)
    {
        var history = new ChatHistory(path, warn);
        history.Use(file =>
        {
            if (!File.Exists(file))
                return;
            if (new FileInfo(file).Length > MaxBytes)
                throw new IOException(FormattableString.Invariant($"It has {new FileInfo(file).Length} bytes; at most {MaxBytes} are read. Delete it."));
            history._entries.AddRange(File.ReadLines(file, Encoding.UTF8).Select(Entry).OfType<string>());
            if (history._entries.Count <= 2 * Most)
                return;
            history._entries.RemoveRange(0, history._entries.Count - Most);
            File.WriteAllLines(file, history._entries.Select(Line), Utf8);
        });
        return history;
    }

    /// <summary>Where the history is kept: the user's state folder (XDG_STATE_HOME); null where there is none.</summary>
    public static string? DefaultPath() => DefaultPath(Environment.GetEnvironmentVariable, OperatingSystem.IsWindows());

    /// <summary>The same for a given environment.</summary>
    internal static string? DefaultPath(Func<string, string?> variable, bool isWindows)
    {
        // The base directory specification: a relative XDG_STATE_HOME is to be ignored.
        var state = isWindows ? variable("LOCALAPPDATA")
            : variable("XDG_STATE_HOME") is { } set && Path.IsPathFullyQualified(set) ? set
            : variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local", "state")
            : null;
        return string.IsNullOrEmpty(state) ? null : Path.Combine(state, "deepseek-inference", "chat-history");
    }

    /// <summary>Adds an entry, unless it is the last one again.</summary>
    public void Add(string text)
    {
        if (text.Length == 0 || (Count > 0 && _entries[^1] == text))
            return;
        _entries.Add(text);
        Use(file =>
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var stream = new FileStream(file, options);
            stream.Write(Utf8.GetBytes(Line(text) + "\n")); // at once: another chat may add as well
        });
    }

    private static string Line(string text) => JsonSerializer.Serialize(text, Readable);

    private static string? Entry(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<string>(line);
        }
        catch (JsonException)
        {
            return null; // a line that was cut short, or another program's
        }
    }

    private void Use(Action<string> what)
    {
        if (_path is not { } file)
            return;
        try
        {
            what(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or SecurityException or NotSupportedException)
        {
            _path = null;
            _warn($"note: the history of the chat is not kept: {file}: {fault.Message}");
        }
    }
}
