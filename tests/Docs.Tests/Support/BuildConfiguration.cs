using System.Reflection;

namespace Deepseek.Inference.Docs.Tests.Support;

/// <summary>How the tests were built.</summary>
internal static class BuildConfiguration
{
    /// <summary>Debug or Release: the samples were built with the tests, and alike.</summary>
    public static string Name { get; } = typeof(BuildConfiguration).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
}
