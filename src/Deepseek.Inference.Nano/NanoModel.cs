namespace Deepseek.Inference.Nano;

/// <summary>The embedded model deepseek-nano: DeepSeek-V3's architecture in 13 million parameters, in the published FP8 format.</summary>
public static class NanoModel
{
    /// <summary>The folder with its files, beside the application.</summary>
    /// <exception cref="DirectoryNotFoundException">The files were not copied to the application's output.</exception>
    public static string Folder
    {
        get
        {
            var folder = Path.Combine(AppContext.BaseDirectory, "models", "deepseek-nano");
            return Directory.Exists(folder)
                ? folder
                : throw new DirectoryNotFoundException($"The embedded model is not in {folder}; the package Deepseek.Inference.Nano copies it there when the application is built or published. Build it again, or name a model's folder.");
        }
    }
}
