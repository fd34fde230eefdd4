using System.Text.Json;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>The published templates by name; without the fixtures the test is skipped.</summary>
internal static class ToolTemplates
{
    public static string Source(string name)
    {
        var folder = TestPaths.TextFixtures();
        var file = Path.Combine(folder, "chat-templates", $"{name}.jinja");
        if (File.Exists(file))
            return File.ReadAllText(file);
        using var all = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "chat_templates.json")));
        return all.RootElement.GetProperty("templates").GetProperty(name).GetString()!;
    }
}
