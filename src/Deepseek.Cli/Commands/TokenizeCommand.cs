using System.CommandLine;
using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek tokenize</c>: text to ids and back; conversations through the chat template. Opens the tokenizer's two files alone.</summary>
internal static class TokenizeCommand
{
    public static Command Create(ToolConsole console)
    {
        var model = CommonOptions.Model();
        var text = new Option<string?>("--text") { Description = "A text.", HelpName = "TEXT", Arity = ArgumentArity.ExactlyOne };
        var lines = CommonOptions.Path("--lines", "FILE.jsonl", "A file with {\"text\": …} a line.");
        var messages = CommonOptions.Path("--messages", "FILE.json", "A conversation: a JSON array of {\"role\", \"content\", …}.");
        var tools = CommonOptions.Path("--tools", "FILE.json", "With --messages: tools as a JSON array.");
        var noPrompt = new Option<bool>("--no-generation-prompt") { Description = "With --messages: end after the last message." };
        var json = CommonOptions.Json();
        var command = new Command("tokenize", "Shows the token ids of texts and conversations.") { model, text, lines, messages, tools, noPrompt, json };
        command.SetAction(parsed =>
        {
            var given = new object?[] { parsed.GetValue(text), parsed.GetValue(lines), parsed.GetValue(messages) }.Count(value => value is not null);
            if (given != 1)
                throw new UsageException("Give one of --text TEXT, --lines FILE.jsonl and --messages FILE.json.");
            if (parsed.GetValue(messages) is null && (parsed.GetValue(tools) is not null || parsed.GetValue(noPrompt)))
                throw new UsageException("--tools and --no-generation-prompt need --messages.");

            var folder = CommonOptions.Folder(parsed, model);
            var tokenizer = DeepseekTokenizer.Load(folder);
            var rendered = parsed.GetValue(messages) is { } file ? Render(tokenizer, folder, file, parsed.GetValue(tools), !parsed.GetValue(noPrompt)) : null;
            IEnumerable<string> texts = rendered is not null ? [rendered]
                : parsed.GetValue(lines) is { } source ? JsonInput.Lines(source, (line, where) => JsonInput.String(JsonInput.Optional(line, "text") ?? throw new InvalidDataException($"{where} has no \"text\"."), $"{where}: \"text\""))
                : [parsed.GetValue(text)!];
            foreach (var each in texts)
                console.Out.WriteLine(Result(tokenizer, each, rendered, parsed.GetValue(json)));
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek tokenize --text \"Hello, world!\"",
            "deepseek tokenize --model ./DeepSeek-R1 --lines texts.jsonl --json",
            "deepseek tokenize --messages conversation.json --no-generation-prompt");
    }

    private static string Result(DeepseekTokenizer tokenizer, string text, string? rendered, bool json)
    {
        var ids = tokenizer.Encode(text);
        if (!json)
            return string.Join(' ', ids);
        return JsonLines.Line(writer =>
        {
            writer.WriteIds("ids", ids);
            writer.WriteString("decoded", tokenizer.Decode(ids));
            if (rendered is not null)
                writer.WriteString("rendered", rendered);
        });
    }

    private static string Render(DeepseekTokenizer tokenizer, string folder, string messages, string? tools, bool addGenerationPrompt)
    {
        var template = ChatTemplate.Of(tokenizer, folder);
        using var toolsDocument = tools is null ? null : JsonInput.Whole(tools);
        if (toolsDocument is { RootElement.ValueKind: not JsonValueKind.Array })
            throw new InvalidDataException($"{tools} must be a JSON array of tools.");
        return template.Render(Messages(messages), new ChatTemplateOptions
        {
            AddGenerationPrompt = addGenerationPrompt,
            BeginToken = tokenizer.BeginToken,
            EndToken = tokenizer.EndToken,
            Tools = toolsDocument?.RootElement,
        });
    }

    private static IReadOnlyList<ChatMessage> Messages(string path)
    {
        try
        {
            return ChatMessage.ParseMessages(JsonInput.Text(path));
        }
        catch (ArgumentException fault)
        {
            throw new InvalidDataException($"{path}: {fault.Message.Split(" (Parameter '", 2)[0]}", fault);
        }
    }
}
