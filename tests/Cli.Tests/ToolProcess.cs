using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Deepseek.Cli.Tests;

/// <summary>The tool as a process of its own, as scripts see it.</summary>
internal sealed partial class ToolProcess : IDisposable
{
    private const int InterruptSignal = 2; // SIGINT
    private const int TerminateSignal = 15; // SIGTERM
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Process _process;
    private readonly Task<string> _error;
    private bool _disposed;

    private ToolProcess(string program, IEnumerable<string> args, IReadOnlyDictionary<string, string>? environment)
    {
        ProcessStartInfo start = new(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Utf8,
            StandardOutputEncoding = Utf8,
            StandardErrorEncoding = Utf8,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>The tool's assembly, which is built beside the tests.</summary>
    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "deepseek.dll");

    public StreamWriter Input => _process.StandardInput;

    public StreamReader Output => _process.StandardOutput;

    /// <summary>Starts the tool.</summary>
    public static ToolProcess Start(params string[] args) => new("dotnet", [Assembly, .. args], null);

    /// <summary>Starts the tool with variables of the environment.</summary>
    public static ToolProcess Start(IReadOnlyDictionary<string, string> environment, params string[] args) => new("dotnet", [Assembly, .. args], environment);

    /// <summary>Runs the tool with nothing on its input.</summary>
    public static Task<ToolResult> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] args) =>
        new ToolProcess("dotnet", [Assembly, .. args], environment).FinishAsync();

    /// <summary>Runs the tool with bytes on its input.</summary>
    public static Task<ToolResult> RunAsync(byte[] input, params string[] args)
    {
        var tool = Start(args);
        tool.Input.BaseStream.Write(input);
        return tool.FinishAsync();
    }

    /// <summary>Starts a shell, in whose script <c>deepseek</c> is the tool; skips the test where there is none.</summary>
    public static ToolProcess StartShell(string script, string shell = "/bin/sh", string? home = null)
    {
        Assert.SkipUnless(File.Exists(shell), $"There is no {shell}.");
        return new(shell, ["-c", $"deepseek() {{ dotnet '{Assembly}' \"$@\"; }}\n{script}"], home is null ? null : new Dictionary<string, string> { ["HOME"] = home, ["DOTNET_CLI_HOME"] = home });
    }

    /// <summary>Starts the tool in a pseudo-terminal; skips the test where util-linux has not put its <c>script</c>.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="state">Where the tool keeps what it remembers; null where it remembers nothing.</param>
    public static ToolProcess StartInTerminal(string args, string? state = null)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "util-linux' script, which makes a pseudo-terminal, is not installed.");
        return new("/usr/bin/script", ["-qec", $"dotnet '{Assembly}' {args}", "/dev/null"],
            new Dictionary<string, string> { ["TERM"] = "xterm", ["NO_COLOR"] = "", ["XDG_STATE_HOME"] = state ?? "", ["HOME"] = state ?? "" });
    }

    /// <summary>Skips the test where a signal would not arrive.</summary>
    public static void RequireInterrupts()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals to send.");

        // A shell without job control lets its background jobs ignore SIGINT, their children too, and .NET respects that.
        const string Status = "/proc/self/status";
        var ignored = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        Assert.SkipWhen(ignored is not null && (Convert.ToInt64(ignored["SigIgn:".Length..].Trim(), 16) & (1 << (InterruptSignal - 1))) != 0, "The tests were started with SIGINT ignored.");
    }

    /// <summary>Sends SIGINT, as Ctrl-C does.</summary>
    public void Interrupt() => Assert.Equal(0, Kill(_process.Id, InterruptSignal));

    /// <summary>Sends SIGTERM, as services are asked to end.</summary>
    public void Terminate() => Assert.Equal(0, Kill(_process.Id, TerminateSignal));

    /// <summary>Whether the process has come to its end.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Ends the process at once, as SIGKILL does: it learns nothing of it. Returns when it is gone.</summary>
    public void EndAtOnce()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Reads output until it holds a text.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        StringBuilder read = new();
        var buffer = new char[256];
        using CancellationTokenSource timeout = new(Patience);
        while (!read.ToString().Contains(text, StringComparison.Ordinal))
        {
            var count = await Output.ReadAsync(buffer, timeout.Token);
            Assert.True(count > 0, $"Output ended before '{text}': {read}");
            read.Append(buffer, 0, count);
        }

        return read.ToString();
    }

    /// <summary>Ends input, waits for the end, and disposes the process.</summary>
    public async Task<ToolResult> FinishAsync()
    {
        using var self = this;
        using CancellationTokenSource timeout = new(Patience);
        Input.Close();
        var output = await Output.ReadToEndAsync(timeout.Token);
        await _process.WaitForExitAsync(timeout.Token);
        return new ToolResult(_process.ExitCode, output, await _error);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
