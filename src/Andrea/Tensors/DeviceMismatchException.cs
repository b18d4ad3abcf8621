namespace Andrea.Tensors;

/// <summary>Memory of one device was given to something that works on another.</summary>
public sealed class DeviceMismatchException : InvalidOperationException
{
    internal DeviceMismatchException(string message)
        : base(message)
    {
    }

    internal DeviceMismatchException(string first, Device firstDevice, string second, Device secondDevice)
        : base($"{first} is on {firstDevice.Description}, but {second} is on {secondDevice.Description}. Build both on the same Device object.")
    {
    }
}
