"""TODO score"""
