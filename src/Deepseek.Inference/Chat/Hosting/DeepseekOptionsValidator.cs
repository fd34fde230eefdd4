using Microsoft.Extensions.Options;

namespace Deepseek.Inference.Chat.Hosting;

/// <summary>Reports every fault of a model's options before an application starts.</summary>
internal sealed class DeepseekOptionsValidator : IValidateOptions<DeepseekOptions>
{
    public ValidateOptionsResult Validate(string? name, DeepseekOptions options)
    {
        var faults = options.Faults().ToList();
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
