using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Chat;

/// <summary>A model as an application's services use it; bound from configuration or set in code.</summary>
public sealed class DeepseekOptions
{
    /// <summary>The model's folder: a page store or a checkpoint as published, with its tokenizer. Required.</summary>
    public string ModelPath { get; set; } = "";

    /// <summary>The name by which clients ask for the model; null (the default) for its folder's name.</summary>
    public string? ModelId { get; set; }

    /// <summary>How the model is loaded and computed.</summary>
    public ModelOptions Model { get; set; } = new();

    /// <summary>How it is shared out among requests.</summary>
    public BatchingOptions Batching { get; set; } = new();

    /// <summary>Conversations (<c>ConversationId</c>) that a chat client remembers, 1 or more; of further ones the least recently used are forgotten. Default 1,000.</summary>
    public int MaxConversations { get; set; } = 1000;

    /// <summary>Whether the model is loaded when the application starts, in the background; else when it is first asked. Default true.</summary>
    public bool LoadAtStart { get; set; } = true;

    /// <summary>Every fault of the settings.</summary>
    internal IEnumerable<string> Faults()
    {
        if (string.IsNullOrWhiteSpace(ModelPath))
            yield return $"{nameof(ModelPath)} is empty; it must be the folder of a model.";
        else if (!Directory.Exists(ModelPath))
            yield return $"{nameof(ModelPath)} is {ModelPath}; there is no such folder.";
        if (ModelId is not null && string.IsNullOrWhiteSpace(ModelId))
            yield return $"{nameof(ModelId)} is empty; leave it out for the folder's name.";
        if (MaxConversations < 1)
            yield return $"{nameof(MaxConversations)} is {MaxConversations}; it must be at least 1.";
        if (Fault(nameof(Model), Model, options => options.Validate()) is { } model)
            yield return model;
        if (Fault(nameof(Batching), Batching, options => options.Validate()) is { } batching)
            yield return batching;
    }

    private static string? Fault<T>(string name, T? options, Action<T> validate)
        where T : class
    {
        if (options is null)
            return $"{name} is null; leave it out for the defaults.";
        try
        {
            validate(options);
            return null;
        }
        catch (ArgumentException fault)
        {
            return fault.Message;
        }
    }
}
