// DeliveryPolicy
