using Spectre.Console;

namespace Deepseek.Cli.Terminal;

/// <summary>What a terminal shows beside text: a heading, and a sign of life while nothing else moves. Without colour there is neither.</summary>
internal sealed class TerminalView(ToolConsole console)
{
    private readonly IAnsiConsole? _terminal = console.HasColour
        ? AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(console.Out),
        })
        : null;

    public void Heading(string text) => _terminal?.Write(new Rule(Markup.Escape(PrintableText.Line(text))).LeftJustified());

    /// <summary>Shows what is being done while it lasts.</summary>
    /// <param name="what">What is being done.</param>
    /// <param name="work">The work; it may replace what is shown.</param>
    public Task<T> WhileAsync<T>(string what, Func<Action<string>, Task<T>> work) => _terminal is null
        ? work(_ => { })
        : _terminal.Status().StartAsync(Markup.Escape(what), context => work(text => context.Status(Markup.Escape(text))));

    /// <summary>Faint text, for what stands beside the answer.</summary>
    public string Faint(string text) => Begin + text + End;

    /// <summary>Turns faint text on.</summary>
    public string Begin => _terminal is null ? "" : "\u001b[2m";

    /// <summary>Turns faint text off.</summary>
    public string End => _terminal is null ? "" : "\u001b[0m";
}
