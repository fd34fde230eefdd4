using System.Text.Json;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>Templates, and prompts that Transformers rendered with them.</summary>
internal sealed class ChatTemplateFixtures
{
    private readonly JsonElement _root;

    private ChatTemplateFixtures(string file) => _root = JsonDocument.Parse(File.ReadAllText(file)).RootElement;

    public IReadOnlyDictionary<string, string> Templates => _root.GetProperty("templates").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetString()!);

    public IEnumerable<JsonElement> Cases => _root.GetProperty("cases").EnumerateArray();

    public static ChatTemplateFixtures Nano() => new(Path.Combine(TestPaths.Nano, "chat_templates.json"));

    /// <summary>DeepSeek's published templates; skips the test where they are absent.</summary>
    public static ChatTemplateFixtures Published() => new(Path.Combine(TestPaths.TextFixtures(), "chat_templates.json"));
}
