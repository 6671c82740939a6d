// Package embedded stands for what the program is made of.
package embedded

// Version is what the program announces.
const Version = "1.2.3"
